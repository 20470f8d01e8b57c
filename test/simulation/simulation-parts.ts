// What one simulation is made of, from its seed: nothing in it has happened yet.
import { seededRandom, type Random } from '../support/random.ts';
import { BackupClient } from './backup-client.ts';
import { BackupJudge } from './backup-judge.ts';
import { ClientHistory } from './client-history.ts';
import { FaultInjector } from './fault-injector.ts';
import { RandomClient, type ClientSurroundings } from './random-client.ts';
import { RecoveryJudge } from './recovery-judge.ts';
import { RoomJudge } from './room-judge.ts';
import { RunRecord } from './run-record.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { planFrom, type SimulationPlan } from './simulation-plan.ts';

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
  readonly clientSurroundings: ClientSurroundings;
  readonly clients: readonly RandomClient[];
  readonly backupJudge: BackupJudge;
  readonly backupClient: BackupClient;
}

export function partsFrom(seed: number): SimulationParts {
  const random = seededRandom(seed);
  const plan = planFrom(random);
  const record = new RunRecord();
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk(random);
  const faults = new FaultInjector(random, disk, clock, (line) => record.note(line));
  const history = new ClientHistory(() => clock.seenMs);
  clock.onSeen = () => history.timePassed();
  const { shards } = plan.settings;
  const backupJudge = new BackupJudge();
  const judge = new RecoveryJudge({ shards, clock, faults, history, record, backupJudge });
  const roomJudge = new RoomJudge({ clock, faults, record });
  const clientSurroundings: ClientSurroundings = {
    random,
    keys: plan.keys,
    valueBytes: plan.valueBytes,
    history,
    onPut: () => roomJudge.sent(),
    onResult: (...told) => judge.noteResult(...told),
  };
  const clients = Array.from(
    { length: plan.clients },
    (_, index) => new RandomClient(`c${index}`, clientSurroundings),
  );
  const { keys } = plan;
  const backupClient = new BackupClient({ random, keys, history, judge: backupJudge, record });
  const parts = { random, plan, record, clock, disk, faults, history, judge, roomJudge };
  return { ...parts, clientSurroundings, clients, backupJudge, backupClient };
}
