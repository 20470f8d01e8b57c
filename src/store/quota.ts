// The quota of a namespace, as front ends set it and engines keep it.

export interface Quota {
  /** The most keys that the namespace may have; undefined: no limit. */
  readonly keysMax?: number | undefined;
  /** The most bytes of keys and values, summed; undefined: no limit. */
  readonly bytesMax?: number | undefined;
}

export function isUnlimited({ keysMax, bytesMax }: Quota): boolean {
  return keysMax === undefined && bytesMax === undefined;
}
