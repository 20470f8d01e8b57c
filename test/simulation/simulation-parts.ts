// Makes the parts of one simulation from its seed. None of them has begun.
import { seededRandom, type Random } from '../support/random.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { AccessScenario } from './access/access-scenario.ts';
import { BackupClient } from './backup-client.ts';
import { BackupJudge } from './backup-judge.ts';
import { ClientHistory } from './client-history.ts';
import { FaultInjector } from './fault-injector.ts';
import { purseName } from './purse.ts';
import { RandomClient, type ClientOptions } from './random-client.ts';
import { RecoveryJudge } from './recovery-judge.ts';
import { RoomJudge } from './room-judge.ts';
import { RunRecord } from './run-record.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SharesScenario } from './shares/shares-scenario.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { planFrom, type SimulationPlan } from './simulation-plan.ts';
import { TransactionLedger } from './transaction-ledger.ts';
import { WatchClient } from './watch-client.ts';
import { VersionJudge } from './version-judge.ts';

/**
 * `engine`: clients use the store itself. `access`: callers use it by their rights, and
 * administrators change these. `shares`: a namespace of the engine's clients has a quota, and users of
 * locks may take part. `waits`: one more client of the engine watches entries.
 */
export const scenarios = ['engine', 'access', 'shares', 'waits'] as const;

export type Scenario = (typeof scenarios)[number];

/** Sends one random call at a time. */
export interface SimulationClient {
  readonly name: string;
  isBusy: boolean;
  /** Rejects if the store breaks a promise. */
  act(store: CommandStore, process: SimulatedProcess): Promise<void>;
}

export interface SimulationParts {
  readonly random: Random;
  readonly plan: SimulationPlan;
  readonly record: RunRecord;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly faults: FaultInjector;
  readonly history: ClientHistory;
  readonly judge: RecoveryJudge;
  readonly roomJudge: RoomJudge;
  readonly ledger: TransactionLedger;
  readonly clientOptions: ClientOptions;
  readonly clients: readonly SimulationClient[];
  /** Only in the scenario `access`. */
  readonly access: AccessScenario | undefined;
  /** Only in the scenario `shares`. */
  readonly shares: SharesScenario | undefined;
  /** Only in the scenario `waits`. */
  readonly watchClient: WatchClient | undefined;
  readonly backupJudge: BackupJudge;
  readonly backupClient: BackupClient;
}

export function partsFrom(seed: number, scenario: Scenario): SimulationParts {
  const random = seededRandom(seed);
  const plan = planFrom(random);
  const record = new RunRecord();
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk(random);
  const faults = new FaultInjector(random, disk, clock, (line) => record.note(line));
  const history = new ClientHistory(() => clock.seenMs);
  clock.onSeen = () => history.timePassed();
  const { shards } = plan.settings;
  const { keys, purses } = plan;
  const backupJudge = new BackupJudge(purses);
  const ledger = new TransactionLedger(record);
  const versions = new VersionJudge(record, shards, scenario === 'shares');
  const judge = new RecoveryJudge({
    shards,
    purses,
    clock,
    faults,
    history,
    record,
    backupJudge,
    ledger,
    versions,
  });
  const roomJudge = new RoomJudge({ clock, faults, record });
  const shares =
    scenario === 'shares' ? new SharesScenario({ seed, plan, record, clock }) : undefined;
  const clientOptions: ClientOptions = {
    random,
    keys,
    valueBytes: plan.valueBytes,
    history,
    onPut: () => roomJudge.sent(),
    onResult: (...told) => {
      shares?.noteResult(told[2]);
      judge.noteResult(...told);
    },
    onPage: (...told) => shares?.notePage(...told),
    transactions: plan.transactions,
    purses,
    onTransaction: (...told) => ledger.noteTold(...told),
    onWrong: (wrong) => record.fail(wrong),
  };
  const access =
    scenario === 'access'
      ? new AccessScenario({ random, plan, record, clock, faults, history, judge })
      : undefined;
  const onWrong = (wrong: string): void => record.fail(wrong);
  const watchClient =
    scenario === 'waits' ? new WatchClient({ random, names: keys, onWrong }) : undefined;
  const clients: readonly SimulationClient[] = access?.clients ?? [
    ...Array.from(
      { length: plan.clients },
      (_, index) => new RandomClient(`c${index}`, clientOptions),
    ),
    ...(watchClient === undefined ? [] : [watchClient]),
    ...(shares?.locks?.clients ?? []),
  ];
  const names = access?.names ?? [
    ...keys,
    ...Array.from({ length: purses }, (_, index) => purseName(index)),
  ];
  const backupClient = new BackupClient({
    random,
    names,
    history,
    record,
    judge: backupJudge,
  });
  const parts = { random, plan, record, clock, disk, faults, history, judge, roomJudge, ledger };
  const special = { access, shares, watchClient };
  return { ...parts, ...special, clientOptions, clients, backupJudge, backupClient };
}
