// Small disks for a test: tmpfs, and ext4 on a loop device. The image of the ext4 disk is a file,
// which a test can copy and cut off. Leaves no mount behind, however the test ends.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isRunning } from '../processes/server-process.ts';

const run = promisify(execFile);
const namePrefix = 'holdfast-disk-';
/** Folders of disks that still exist. They are removed at the end of the process at the latest. */
const left = new Set<string>();

process.once('exit', () => {
  for (const home of left) removeHome(home);
});

/** Removes the mounts below a home folder, the last one first, and then the folder. */
function removeHome(home: string): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').toReversed()) {
    const [, mountPoint = ''] = line.split(' ');
    if (!mountPoint.startsWith(`${home}/`)) continue;
    if (spawnSync('umount', [mountPoint]).status !== 0) spawnSync('umount', ['-l', mountPoint]);
  }
  rmSync(home, { recursive: true, force: true });
  left.delete(home);
}

/** Removes mounts that killed test processes have left. */
export function removeStaleDisks(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${namePrefix}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) removeHome(join(tmpdir(), name));
  }
}

export class Disk {
  /** The mount point. */
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
    // Root could use reserved blocks, so there are none. mkfs writes everything now, not in the
    // background.
    const options = ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
    execFileSync('mkfs.ext4', [...options, disk.#image]);
    disk.#mountImage();
    return disk;
  }

  /**
   * Copies the disk as it is now: all synced data, and the other data that the kernel has written.
   * The image's own page cache is the disk here. A sync hands blocks to the image. Data in the page
   * cache of the mounted file system alone is not in the image. The caller must have stopped all
   * writers. A copy takes time, and a later block could be in it without an earlier one.
   */
  copyOfNow(): Disk {
    const copy = Disk.#make();
    copy.#mountBacking();
    copyFileSync(this.#image, copy.#image);
    copy.#mountImage();
    return copy;
  }

  /** Images are in memory, so nothing has to reach a real disk, and tests need not wait for it. */
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
   * Cuts the ext4 file system off from its disk at once, as failing media do. Every later call
   * fails, and nothing more reaches the disk.
   */
  async cutOff(): Promise<void> {
    const ioctl = 'import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), ';
    // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH.
    await run('python3', ['-c', `${ioctl}0x8004587d, struct.pack("I", 2))`, this.path]);
  }

  /** Mounts the disk again after a cut. No process may have a file open on it. */
  mountAgain(): void {
    execFileSync('umount', [this.path]);
    this.#mountImage();
  }

  remove(): void {
    removeHome(this.#home);
  }
}
