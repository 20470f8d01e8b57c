// Finds out which programs the machine has, and their versions.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Looks for a program without running it: some take every flag for a file to serve with. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** @returns why a contender is missing: the first of its programs that is not installed */
export function firstMissing(...programs: readonly string[]): string | undefined {
  const missing = programs.find((program) => !isInstalled(program));
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/** @returns the first match in what a program prints; undefined if it is not installed */
export function versionOf(program: string, flag: string, pattern: RegExp): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8', timeout: 5000 });
  if (error !== undefined) return undefined;
  return pattern.exec(stdout + stderr)?.[1] ?? 'of unknown version';
}

/** The version of a package of Debian, for programs that do not tell their own. */
export function packageVersion(name: string): string {
  const args = ['-W', '-f', '${Version}', name];
  const { stdout } = spawnSync('dpkg-query', args, { encoding: 'utf8' });
  return stdout === null || stdout === '' ? 'of unknown version' : stdout;
}

export function redisServerVersion(): string | undefined {
  return versionOf('redis-server', '--version', /\bv=(\S+)/);
}

/** The version of a package of npm that a folder has installed. */
export function packageVersionIn(folder: string, name: string): string {
  const path = join(folder, 'node_modules', name, 'package.json');
  const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return version;
}
