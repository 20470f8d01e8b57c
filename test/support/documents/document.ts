// Reads the documents of the project: their fenced blocks, headings and links. Knows GitHub's
// Markdown, and no server.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { programFolder } from '../../../src/base/program-folder.ts';

export interface Block {
  /** The word after the fence, such as `console`; empty if there is none. */
  readonly language: string;
  readonly lines: readonly string[];
}

export interface Link {
  /** Relative to the project. The document itself if the link has only a heading. */
  readonly path: string;
  /** The part after `#`; undefined if there is none. */
  readonly heading: string | undefined;
}

export interface Document {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without blocks, pictures and code. */
  readonly prose: string;
  /** The anchors of all headings. */
  readonly anchors: readonly string[];
  /** Links to files of the project, without links to other sites. */
  readonly links: readonly Link[];
}

const fence = /^```(\w*)\n(.*?)^```$/gms;

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function linksOf(path: string, prose: string): Link[] {
  const targets = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', heading] = target.split('#');
      return { path: file === '' ? path : normalize(join(dirname(path), file)), heading };
    });
}

/** @param path relative to the project */
export function readDocument(path: string): Document {
  const text = readFileSync(join(programFolder, path), 'utf8');
  const blocks = [...text.matchAll(fence)].map(([, language = '', body = '']) => ({
    language,
    lines: body.trimEnd().split('\n'),
  }));
  const marked = text.replaceAll(fence, '').replaceAll(/^ {4}.*$/gm, '');
  const headings = [...marked.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return {
    path,
    text,
    blocks,
    prose: marked.replaceAll(/`[^`\n]*`/g, ''),
    anchors: headings.map(anchorOf),
    links: linksOf(path, marked),
  };
}

/** The README, and the pages of the manual in docs/. */
export function readManual(): Document[] {
  const pages = readdirSync(join(programFolder, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.toSorted().map((name) => join('docs', name))].map(readDocument);
}
