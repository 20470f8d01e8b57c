// Small disks of a test's own: tmpfs, and ext4 on a loop device whose image is a file that can be
// copied and cut off. Leaves no mount behind, whatever ends the test.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRunning } from '../processes/server-process.ts';

const run = promisify(execFile);
const namePrefix = 'holdfast-disk-';
/** Folders of disks that are still there, so that they go with the process at the latest. */
const left = new Set<string>();

process.once('exit', () => {
  for (const home of left) removeHome(home);
});

/** The mounts under a home folder, the last one first, and then the folder. */
function removeHome(home: string): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').toReversed()) {
    const [, mountPoint = ''] = line.split(' ');
    if (!mountPoint.startsWith(`${home}/`)) continue;
    if (spawnSync('umount', [mountPoint]).status !== 0) spawnSync('umount', ['-l', mountPoint]);
  }
  rmSync(home, { recursive: true, force: true });
  left.delete(home);
}

/** What test processes that were killed have left mounted. */
export function removeStaleDisks(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${namePrefix}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) removeHome(join(tmpdir(), name));
  }
}

export class Disk {
  /** Where it is mounted. */
  readonly path: string;
  readonly #home: string;
  readonly #image: string;

  private constructor(home: string) {
    this.#home = home;
    this.path = join(home, 'mounted');
    this.#image = join(home, 'backing', 'image');
  }

  static #make(): Disk {
    const home = mkdtempSync(join(tmpdir(), `${namePrefix}${process.pid}-`));
    left.add(home);
    const disk = new Disk(home);
    mkdirSync(disk.path);
    return disk;
  }

  static tmpfs(size: string): Disk {
    const disk = Disk.#make();
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk.path]);
    return disk;
  }

  static ext4(size: string): Disk {
    const disk = Disk.#make();
    disk.#mountBacking();
    execFileSync('truncate', ['-s', size, disk.#image]);
    // No reserved blocks, since root could take them; nothing left to a background thread.
    const options = ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
    execFileSync('mkfs.ext4', [...options, disk.#image]);
    disk.#mountImage();
    return disk;
  }

  /**
   * What is on the disk now: of an ext4 disk everything that was synced, and of the rest what the
   * kernel has happened to write. The image's own page cache is the disk here: a sync hands blocks
   * to the image, and what is only in the page cache of the mounted file system is not in it. The
   * caller must have stopped all writers: a copy takes its time, and while it runs a later block
   * must not be written, or it could be in the copy without an earlier one.
   */
  copyOfNow(): Disk {
    const copy = Disk.#make();
    copy.#mountBacking();
    copyFileSync(this.#image, copy.#image);
    copy.#mountImage();
    return copy;
  }

  /** Images are in memory: what they hold is what is on the disk, and a test need not wait for more. */
  #mountBacking(): void {
    mkdirSync(dirname(this.#image));
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', dirname(this.#image)]);
  }

  #mountImage(): void {
    execFileSync('mount', ['-o', 'loop', this.#image, this.path]);
  }

  remountReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.path]);
  }

  remountWritable(): void {
    execFileSync('mount', ['-o', 'remount,rw', this.path]);
  }

  /**
   * Cuts the ext4 file system off from its disk at once, as media that fail do: all that follows
   * fails, and nothing that is not on the disk gets there any more.
   */
  async cutOff(): Promise<void> {
    const ioctl = 'import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), ';
    // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH.
    await run('python3', ['-c', `${ioctl}0x8004587d, struct.pack("I", 2))`, this.path]);
  }

  /** After a cut, what was on the disk; no process may have a file open on it. */
  mountAgain(): void {
    execFileSync('umount', [this.path]);
    this.#mountImage();
  }

  remove(): void {
    removeHome(this.#home);
  }
}
