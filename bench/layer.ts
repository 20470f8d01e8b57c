// A layer of the server that bench:layers measures alone. Has no code.

export interface Layer {
  readonly name: string;
  /** Does some operations. @returns how many, perhaps later */
  readonly step: () => number | Promise<number>;
}
