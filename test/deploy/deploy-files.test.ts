// The files of deploy/ agree with each other, with the settings and with the package. No image is
// built here. test/faults has what needs other programs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { programFolder } from '../../src/base/program-folder.ts';
import { exitCodes } from '../../src/cli/command-error.ts';
import { defaultSettings, loadSettings, unknownVariables } from '../../src/cli/load-settings.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { tokenVariable } from '../../src/cli/setting-spelling.ts';
import { stagesOf, textsOf, variablesOf } from '../support/documents/dockerfile.ts';

const textOf = (path: string): string => readFileSync(join(programFolder, path), 'utf8');
const yamlOf = (name: string): unknown => parse(textOf(join('deploy', name)));

type Variables = Readonly<Record<string, string>>;

/** The settings of a server with these variables. Fails if one of them is neither setting nor token. */
function settingsOf(variables: Variables) {
  const settings = Object.entries(variables).filter(([name]) => !name.startsWith(tokenVariable));
  const environment = Object.fromEntries(settings);
  expect(unknownVariables(environment)).toEqual([]);
  return loadSettings({ flags: new Map(), environment, configFile: undefined });
}

const defaults = defaultSettings();
const { files, dependencies } = JSON.parse(textOf('package.json')) as {
  files: string[];
  dependencies: Record<string, string>;
};
const stages = stagesOf(textOf('deploy/Dockerfile'));
const [build = [], image = []] = stages;
const settings = settingsOf(variablesOf(image));

describe('the image', () => {
  test('is made in two stages, from the Node with which CI runs the tests again', () => {
    expect(stages).toHaveLength(2);
    const [, major = ''] = /\bnode@(\d+)/.exec(textOf('.ci/run')) ?? [];
    expect(major).not.toBe('');
    const base = `node:${major}-bookworm-slim`;
    expect(textsOf(build, 'FROM')).toEqual([`${base} AS build`]);
    expect(textsOf(image, 'FROM')).toEqual([base]);
  });

  test('runs nothing on the processor that it is made for', () => {
    expect(build[0]?.flags.get('platform')).toBe('$BUILDPLATFORM');
    expect(textsOf(image, 'RUN')).toEqual([]);
  });

  test('has packages of JavaScript alone, with the versions of the lock', () => {
    const lock = JSON.parse(textOf('package-lock.json')) as {
      packages: Record<string, { dev?: true; optional?: true; hasInstallScript?: true; os?: [] }>;
    };
    const shipped = Object.entries(lock.packages).filter(
      ([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true,
    );
    expect(shipped.length).toBeGreaterThan(Object.keys(dependencies).length);
    const compiled = shipped.filter(([, one]) => one.hasInstallScript ?? one.os !== undefined);
    expect(compiled).toEqual([]);
    const installs =
      textsOf(build, 'RUN')
        .join(' && ')
        .match(/npm (?:ci|install)\b[^&]*/g) ?? [];
    expect(installs).toHaveLength(2);
    for (const install of installs) {
      expect(install).toMatch(/^npm ci .*--ignore-scripts/);
    }
    expect(installs[1]).toMatch(/--omit=dev .*--omit=optional/);
  });

  test('is built from files that are there, and that the build is let see', () => {
    const shown = textOf('deploy/Dockerfile.dockerignore').match(/(?<=^!).*$/gm) ?? [];
    expect(shown).toContain('src');
    const copied = textsOf(build, 'COPY').flatMap((text) => text.split(' ').slice(0, -1));
    const wanted = [...copied.filter((name) => name !== '.'), 'tsconfig.json', 'workers'];
    const packed = files
      .filter((name) => !/^(?:!|dist\/)/.test(name))
      .concat('README.md', 'LICENSE');
    expect(shown).toEqual(expect.arrayContaining([...wanted, ...packed]));
    expect(shown.filter((name) => !existsSync(join(programFolder, name)))).toEqual([]);
  });

  test('runs the server as another user than root, who owns the volume and nothing else', () => {
    const [user = ''] = textsOf(image, 'USER');
    expect(user).toMatch(/^[1-9]\d+:[1-9]\d+$/);
    const owned = image.filter(({ flags }) => flags.has('chown'));
    expect(owned.map(({ flags }) => flags.get('chown'))).toEqual([user]);
    expect(owned[0]?.text).toMatch(/ \/data\/$/);
    expect(textsOf(image, 'VOLUME')).toEqual([settings.dataDir]);
    expect(settings.dataDir).toBe('/data');
  });

  test('listens for other containers, and asks for health as the command does', () => {
    expect(settings).toEqual({ ...defaults, host: '0.0.0.0', dataDir: '/data' });
    expect(textsOf(image, 'EXPOSE')).toEqual([String(defaults.port)]);
    const [health = ''] = textsOf(image, 'HEALTHCHECK');
    expect(JSON.parse(health.replace(/^CMD /, ''))).toEqual(['holdfast', 'health']);
    const { commands } = buildProgram();
    expect(commands.map((command) => command.name())).toContain('health');
  });

  test('starts the program itself, so that a signal reaches it', () => {
    expect(textsOf(image, 'ENTRYPOINT').map((text) => JSON.parse(text))).toEqual([['holdfast']]);
    expect(textsOf(image, 'CMD').map((text) => JSON.parse(text))).toEqual([['serve']]);
    expect(textsOf(image, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(textsOf(build, 'RUN').join('\n')).toContain('/usr/local/bin/holdfast');
  });
});

/** Milliseconds. */
const duration = (text: string): number => Number(/^(\d+)s?$/.exec(text)?.[1]) * 1000;

interface Service {
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly environment: Variables;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly stop_grace_period: string;
}

describe('compose.yaml', () => {
  const { services, volumes } = yamlOf('compose.yaml') as {
    services: { holdfast: Service };
    volumes: object;
  };
  const { holdfast } = services;

  test('refuses to start without a token, and sets no setting that does not exist', () => {
    expect(holdfast.environment[tokenVariable]).toBe(`\${${tokenVariable}:?}`);
    expect(settingsOf(holdfast.environment)).toEqual(defaults);
  });

  test('builds the image, and keeps the data in a volume', () => {
    const context = join('deploy', holdfast.build.context);
    expect(existsSync(join(programFolder, context, holdfast.build.dockerfile))).toBe(true);
    expect(Object.keys(volumes)).toEqual(['data']);
    expect(holdfast.volumes).toEqual([`data:${settings.dataDir}`]);
  });

  test('lets no other machine in, and gives the container no right that it does not need', () => {
    expect(holdfast.ports).toEqual([`127.0.0.1:${defaults.port}:${defaults.port}`]);
    expect(holdfast).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  test('waits for a clean stop', () => {
    expect(duration(holdfast.stop_grace_period)).toBeGreaterThan(defaults.shutdownDeadlineMs);
  });
});

describe('github-actions.yml', () => {
  const { jobs } = yamlOf('github-actions.yml') as {
    jobs: {
      test: {
        services: { holdfast: { env: Variables; ports: string[]; options: string } };
        steps: { run: string; env: Variables }[];
      };
    };
  };
  const { holdfast } = jobs.test.services;

  test('gives the steps the token of the server, and no secret', () => {
    const [step] = jobs.test.steps;
    expect(step?.env).toEqual({ [tokenVariable]: holdfast.env[tokenVariable] });
    expect(step?.run).toContain(`Authorization: Bearer $${tokenVariable}`);
    expect(step?.run).toContain(`http://127.0.0.1:${defaults.port}/`);
    expect(textOf('deploy/github-actions.yml')).not.toContain('secrets.');
  });

  test('sets settings that exist, and waits for health', () => {
    expect(settingsOf(holdfast.env)).toEqual({ ...defaults, fsync: 'never' });
    expect(holdfast.ports).toEqual([`${defaults.port}:${defaults.port}`]);
    expect(holdfast.options).toContain('--health-cmd "holdfast health"');
  });
});

const ofGlibc = (all: Variables) =>
  Object.entries(all).filter(([name]) => name.startsWith('MALLOC_'));

describe('holdfast.service', () => {
  const lines = textOf('deploy/holdfast.service')
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  const valuesOf = (name: string) => lines.filter(([key]) => key === name).map(([, one]) => one);
  const [stateDirectory] = valuesOf('StateDirectory');
  const variables: Variables = Object.fromEntries(
    valuesOf('Environment')
      .flatMap((text) => text.split(' '))
      .map((pair) => pair.split('=')),
  );

  test('serves the folder that systemd makes for it', () => {
    expect(valuesOf('ExecStart')).toEqual(['/usr/local/bin/holdfast serve']);
    expect(settingsOf(variables)).toEqual({ ...defaults, dataDir: `/var/lib/${stateDirectory}` });
  });

  test('reads the token from a credential, and has it nowhere itself', () => {
    const [credential = ''] = valuesOf('LoadCredential');
    expect(variables[`${tokenVariable}_FILE`]).toBe(`%d/${credential.split(':')[0]}`);
    expect(variables).not.toHaveProperty([tokenVariable]);
  });

  test('does not start again after a refusal, and waits for a clean stop', () => {
    expect(valuesOf('RestartPreventExitStatus')).toEqual([
      `${exitCodes.usage} ${exitCodes.refused}`,
    ]);
    expect(duration(valuesOf('TimeoutStopSec')[0] ?? '')).toBeGreaterThan(
      defaults.shutdownDeadlineMs,
    );
  });

  test('has the variables of glibc that the image has', () => {
    expect(ofGlibc(variables)).toEqual(ofGlibc(variablesOf(image)));
    expect(ofGlibc(variables)).toHaveLength(2);
  });
});

test('the Caddyfile sends everything to the port of the server, and asks it for health', () => {
  const text = textOf('deploy/Caddyfile');
  expect(text).toContain(`reverse_proxy 127.0.0.1:${defaults.port} {`);
  expect(text).toContain('health_uri /readyz');
  expect(text).not.toMatch(/header_up\s+-?(?:Host|Authorization)/);
});

test('the page links every file of the folder', () => {
  const page = textOf('docs/deploy.md');
  const names = readdirSync(join(programFolder, 'deploy'));
  expect(names).toContain('compose.yaml');
  const linked = names.filter((name) => page.includes(`](../deploy/${name})`));
  // Docker alone reads that one.
  expect(linked).toEqual(names.filter((name) => name !== 'Dockerfile.dockerignore'));
});
