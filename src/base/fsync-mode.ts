/**
 * When a write reaches stable storage: before it is acknowledged, within an interval, or when the
 * operating system decides.
 */
export type FsyncMode = 'always' | 'interval' | 'never';
