// Reads a Dockerfile as far as ours goes: stages, instructions over several lines, their flags.
// Knows no instruction's meaning.

export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** `--name=value`, by name. */
  readonly flags: ReadonlyMap<string, string>;
  /** The rest of the line. */
  readonly text: string;
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

function instructionOf(line: string): Instruction {
  const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
  if (name === '') throw new Error(`not an instruction: ${line}`);
  const flags = new Map<string, string>();
  let text = rest;
  for (;;) {
    const [flag, key = '', value = ''] = /^--([a-z-]+)=(\S+)\s+/.exec(text) ?? [];
    if (flag === undefined) return { name, flags, text };
    flags.set(key, value);
    text = text.slice(flag.length);
  }
}

/** The instructions of each stage, FROM first. */
export function stagesOf(dockerfile: string): Instruction[][] {
  const lines = dockerfile
    .replaceAll(/^[ \t]*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: Instruction[][] = [];
  for (const instruction of lines.map(instructionOf)) {
    if (instruction.name === 'FROM') stages.push([]);
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error('the first instruction is not FROM');
    stage.push(instruction);
  }
  return stages;
}

/** The variables that a stage sets. */
export function variablesOf(stage: readonly Instruction[]): Record<string, string> {
  const pairs = stage.filter(({ name }) => name === 'ENV').flatMap(({ text }) => words(text));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The texts of all instructions of this name. */
export function textsOf(stage: readonly Instruction[], name: string): string[] {
  return stage.filter((one) => one.name === name).map(({ text }) => text);
}
