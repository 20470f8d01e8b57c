/**
 * A write reaches stable storage before its acknowledgement, within an interval, or when the
 * operating system decides.
 */
export type FsyncMode = 'always' | 'interval' | 'never';
