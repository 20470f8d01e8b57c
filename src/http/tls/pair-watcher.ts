// Notices a new pair in the files, and hands it on only if it is whole and fits. A renewal replaces
// two files, one after the other, so every look may find half of it. Has no timer: its owner
// repeats `look`. Must not know the server that uses the pair.
import { readPair, stateOfFiles } from './pair-files.ts';
import { checkPair, TlsPairError, type PemPair, type TlsFiles, type TlsPair } from './tls-pair.ts';

export interface PairWatcherOptions {
  readonly files: TlsFiles;
  /** The pair in use. */
  readonly pair: PemPair;
  readonly onPair: (pair: TlsPair) => void;
  /** Gets each fault once, in one line. */
  readonly onFault: (fault: string) => void;
}

export class PairWatcher {
  readonly #options: PairWatcherOptions;
  #inUse: PemPair;
  /** The state of the files that was judged last; empty before the first look. */
  #state = '';
  #fault = '';
  #isLooking = false;

  constructor(options: PairWatcherOptions) {
    this.#options = options;
    this.#inUse = options.pair;
  }

  async look(): Promise<void> {
    // A file system that hangs must not gather looks.
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#judgeChange();
    } finally {
      this.#isLooking = false;
    }
  }

  async #judgeChange(): Promise<void> {
    const { files } = this.#options;
    const state = await stateOfFiles(files);
    // Times of files are coarse. So a bad pair is read again even if it looks unchanged.
    if (state === this.#state && this.#fault === '') return;
    const found = await readPair(files).catch(faultOf);
    // A file has changed meanwhile, so the two reads may belong to different pairs.
    if ((await stateOfFiles(files)) !== state) return;
    const isNews = state !== this.#state;
    this.#state = state;
    const verdict = found instanceof TlsPairError ? found : verdictOn(found, files);
    if (verdict instanceof TlsPairError) this.#noteFault(verdict.message, isNews);
    else this.#use(verdict);
  }

  #noteFault(fault: string, isNews: boolean): void {
    if (isNews || fault !== this.#fault) this.#options.onFault(fault);
    this.#fault = fault;
  }

  #use(pair: TlsPair): void {
    this.#fault = '';
    const isSame = pair.cert.equals(this.#inUse.cert) && pair.key.equals(this.#inUse.key);
    if (isSame) return;
    this.#inUse = pair;
    this.#options.onPair(pair);
  }
}

function verdictOn(found: PemPair, files: TlsFiles): TlsPair | TlsPairError {
  try {
    return checkPair(found, files);
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): TlsPairError {
  if (error instanceof TlsPairError) return error;
  throw error;
}
