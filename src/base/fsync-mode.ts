/**
 * When a write reaches stable storage: before it is acknowledged, within an interval, or whenever
 * the operating system likes.
 */
export type FsyncMode = 'always' | 'interval' | 'never';
