// A control group with a limit on memory, as a container has one. Makes it in the hierarchy of the
// tests' own process, of either version of control groups. Knows no program.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Hierarchy {
  /** The controllers, as /proc/self/cgroup names them; empty for version 2. */
  readonly controllers: string;
  readonly mount: string;
  readonly limitFile: string;
  /** The file that counts kills, in a line of this name. */
  readonly killsFile: string;
}

const hierarchies: readonly Hierarchy[] = [
  {
    controllers: '',
    mount: '/sys/fs/cgroup',
    limitFile: 'memory.max',
    killsFile: 'memory.events',
  },
  {
    controllers: 'memory',
    mount: '/sys/fs/cgroup/memory',
    limitFile: 'memory.limit_in_bytes',
    killsFile: 'memory.oom_control',
  },
];

/** The group of this process, and the whole hierarchy: a container may show one of them alone. */
function parentsIn({ controllers, mount }: Hierarchy): string[] {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  const own = lines.map((line) => line.split(':')).find(([, names]) => names === controllers);
  return own?.[2] === undefined ? [] : [join(mount, own[2]), mount];
}

/** @returns false if there is no such file, as in a folder that is no group, or it cannot be written */
function limits(file: string, bytesMax: number): boolean {
  if (!existsSync(file)) return false;
  try {
    writeFileSync(file, String(bytesMax));
    return true;
  } catch {
    return false;
  }
}

export class MemoryGroup {
  readonly #folder: string;
  readonly #hierarchy: Hierarchy;

  private constructor(folder: string, hierarchy: Hierarchy) {
    this.#folder = folder;
    this.#hierarchy = hierarchy;
  }

  /** @returns undefined if this machine lets no test limit memory */
  static make(bytesMax: number): MemoryGroup | undefined {
    for (const hierarchy of hierarchies) {
      for (const parent of parentsIn(hierarchy)) {
        const folder = join(parent, `holdfast-test-${process.pid}`);
        try {
          mkdirSync(folder);
        } catch {
          continue;
        }
        if (limits(join(folder, hierarchy.limitFile), bytesMax)) {
          return new MemoryGroup(folder, hierarchy);
        }
        rmdirSync(folder);
      }
    }
    return undefined;
  }

  /** A shell's command that puts the shell into the group. */
  get enter(): string {
    return `echo $$ > '${join(this.#folder, 'cgroup.procs')}'`;
  }

  /** Processes of the group that the system has killed for their memory. */
  get kills(): number {
    const text = readFileSync(join(this.#folder, this.#hierarchy.killsFile), 'utf8');
    const [, count] = /^oom_kill (\d+)$/m.exec(text) ?? [];
    if (count === undefined) throw new Error(`no count of kills in:\n${text}`);
    return Number(count);
  }

  /** Once all processes of the group have ended. */
  remove(): void {
    rmdirSync(this.#folder);
  }
}
