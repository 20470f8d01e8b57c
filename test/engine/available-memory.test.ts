import { describe, expect, test } from 'vitest';
import { availableMemory } from '../../src/engine/available-memory.ts';

const totalBytes = 64 * 2 ** 30;
const unlimited = 2 ** 64;

function memoryOf(files: Readonly<Record<string, string>>, constrainedBytes = unlimited): number {
  return availableMemory({ readText: (path) => files[path], totalBytes, constrainedBytes });
}

describe('the memory that the process may use', () => {
  test('is the machine’s if nothing limits it, or if no file says so', () => {
    expect(memoryOf({})).toBe(totalBytes);
    expect(memoryOf({}, 0)).toBe(totalBytes);
    const files = { '/proc/self/cgroup': '0::/user.slice\n', '/sys/fs/cgroup/memory.max': 'max\n' };
    expect(memoryOf(files)).toBe(totalBytes);
  });

  test('is the limit of its own container (version 2)', () => {
    const files = {
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': '536870912\n',
      '/sys/fs/cgroup/memory.high': 'max\n',
    };
    expect(memoryOf(files)).toBe(536_870_912);
  });

  test('is the least of all limits from its own group outwards, soft ones included', () => {
    const files = {
      '/proc/self/cgroup': '0::/pods/pod-1/main\n',
      '/sys/fs/cgroup/pods/pod-1/main/memory.max': '4000000000\n',
      '/sys/fs/cgroup/pods/pod-1/memory.max': '2000000000\n',
      '/sys/fs/cgroup/pods/memory.max': 'max\n',
    };
    expect(memoryOf(files)).toBe(2_000_000_000);
    const high = { ...files, '/sys/fs/cgroup/pods/memory.high': '1000000000\n' };
    expect(memoryOf(high)).toBe(1_000_000_000);
  });

  test('is the limit of a group of version 1, which may be shown at the mount alone', () => {
    const group = '12:pids:/docker/x\n9:memory:/docker/x\n0::/system.slice\n';
    const files = {
      '/proc/self/cgroup': group,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '300000000\n',
    };
    expect(memoryOf(files)).toBe(300_000_000);
    const nested = {
      ...files,
      '/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes': '200000000',
    };
    expect(memoryOf(nested)).toBe(200_000_000);
    const none = {
      '/proc/self/cgroup': group,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    };
    expect(memoryOf(none)).toBe(totalBytes);
  });

  test("is the runtime's figure, if that is less", () => {
    expect(memoryOf({}, 1_000_000)).toBe(1_000_000);
  });

  test('is known on this machine', () => {
    expect(availableMemory()).toBeGreaterThan(64 * 2 ** 20);
  });
});
