// Bugs that a store like this one has had, or nearly: each is planted in the compiled program, and
// the simulation must find it. `find` stands in the file exactly once, or the test of them fails, so
// that a bug follows the code it is planted in.

export interface PlantedBug {
  readonly name: string;
  /** Of the source; the bug is planted in what is compiled from it. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** How many seeds, from the first one on, may pass before it is found. */
  readonly seedsMax: number;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a write is acknowledged before it is synced',
    file: 'src/shard/shard.ts',
    find: "if (mustSync || this.#options.fsync === 'always')\n            this.#sync();",
    replace: '',
    seedsMax: 40,
  },
  {
    name: 'what a failed write left behind is not cut off',
    file: 'src/storage/journal-writer.ts',
    find: 'this.#cutBack();\n            if (!isDiskFull(error))',
    replace: 'if (!isDiskFull(error))',
    seedsMax: 500,
  },
  {
    name: 'the cache is filled although a write was queued meanwhile',
    file: 'src/router/read-cache.ts',
    find: 'if (pending.isOutrun)\n            return;',
    replace: '',
    seedsMax: 40,
  },
  {
    name: 'a key lock is released before its work is done',
    file: 'src/router/key-locks.ts',
    find: 'return await work();',
    replace:
      'const result = work(); for (const release of releases.splice(0)) release(); return await result;',
    seedsMax: 60,
  },
  {
    name: 'seq is taken again after a restart outside always',
    file: 'src/shard/start-files.ts',
    find: '(mayHaveLostEnd ? seqJumpUnsynced : 0)',
    replace: '0',
    seedsMax: 60,
  },
  {
    name: "expiry is judged by the wall clock instead of the store's time",
    file: 'src/engine/assemble-store.ts',
    find: 'stamp: () => stamps.stamp(),\n        monotonicMs: () => clock.monotonicMs(),',
    replace: 'stamp: () => clock.wallMs(), monotonicMs: () => clock.monotonicMs(),',
    seedsMax: 60,
  },
  {
    name: 'a torn end is cut too far',
    file: 'src/shard/torn-tail.ts',
    find: 'file.truncate(bytes);',
    replace: 'file.truncate(Math.max(0, bytes - 1));',
    seedsMax: 60,
  },
  {
    name: 'a mark is ahead of the sync',
    file: 'src/storage/journal-writer.ts',
    find: 'line(this.syncedBytes)',
    replace: 'line(this.#written)',
    seedsMax: 60,
  },
  {
    name: 'a snapshot is named before it is synced',
    file: 'src/storage/snapshot-writer.ts',
    find: 'this.#file.sync();',
    replace: '',
    seedsMax: 60,
  },
  {
    name: 'old journals are removed before current.json names their snapshot',
    file: 'src/shard/shard-files.ts',
    find: 'const replaced = { snapshot: oldSnapshot, journals: journals.filter(isFolded) };',
    replace:
      'const replaced = { snapshot: oldSnapshot, journals: journals.filter(isFolded) }; removeFilesOf(this.#place, replaced);',
    seedsMax: 60,
  },
  {
    name: 'a shard is opened anew before its old thread has exited',
    file: 'src/router/shard-client.ts',
    find: 'await this.#thread.destroy();\n        if (this.#state',
    replace: 'void this.#thread.destroy();\n        if (this.#state',
    seedsMax: 400,
  },
  {
    name: 'a failed sync is taken for a success',
    file: 'src/storage/journal-writer.ts',
    find: 'this.#orBreak(() => this.#file.sync());\n        this.#durable = this.end;',
    replace: 'try { this.#file.sync(); } catch {} this.#durable = this.end;',
    seedsMax: 150,
  },
  {
    name: 'what is in doubt is served after a failed sync',
    file: 'src/shard/shard.ts',
    find: 'const fitted = this.#write(',
    replace: 'run.staging.commit(); const fitted = this.#write(',
    seedsMax: 60,
  },
  {
    name: 'a write that may have happened is said not to have',
    file: 'src/shard/shard.ts',
    find: "this.#files.writer.isBroken ? 'unknown' : 'not-applied'",
    replace: "'not-applied'",
    seedsMax: 150,
  },
  {
    name: 'a compaction keeps the oldest change of a key',
    file: 'src/shard/entry-stream.ts',
    find: 'changes.set(change.key, change);',
    replace: 'if (!changes.has(change.key)) changes.set(change.key, change);',
    seedsMax: 40,
  },
  {
    name: 'a folder is not synced after a rename',
    file: 'src/storage/file-system.ts',
    find: 'fileSystem.rename(temporary, `${folder}/${name}`);\n        fileSystem.syncFolder(folder);',
    replace: 'fileSystem.rename(temporary, `${folder}/${name}`);',
    seedsMax: 60,
  },
  {
    name: 'the room made ahead is cut off at a start, and not durably',
    file: 'src/shard/start-files.ts',
    find: 'file.truncate(used);\n        file.sync();',
    replace: 'file.truncate(used);',
    seedsMax: 150,
  },
  {
    name: 'writes are not tried again once the disk was full',
    file: 'src/shard/disk-room.ts',
    find: 'if (now < this.#tryAgainAtMs)',
    replace: 'if (this.#tryAgainAtMs > 0)',
    seedsMax: 150,
  },
  {
    name: 'what no mark vouches for is not written again before it is synced',
    file: 'src/shard/start-files.ts',
    find: '    rewriteUnmarked(place, recovered);',
    replace: '',
    seedsMax: 300,
  },
  {
    name: 'a compaction that came to nothing is not reported to its shard',
    file: 'src/router/compaction-scheduler.ts',
    find: 'await client.dropCompaction();',
    replace: ';',
    seedsMax: 300,
  },
  {
    name: 'a compaction that came to nothing while its shard was mended is not noticed',
    file: 'src/shard/shard.ts',
    find: '// One that came to nothing meanwhile could not be reported: the shard did not serve.\n        this.#room.compactionEnded();',
    replace: '',
    seedsMax: 300,
  },
  {
    name: 'the shards are cut for a backup one after another',
    file: 'src/router/router.ts',
    find: "await this.#askAll({ op: 'cut' });",
    replace:
      "[]; for (const shard of this.#shards) cuts.push(await new Promise((resolve) => shard.enqueue(new Ticket({ op: 'cut' }, resolve)))); for (const { kind, error } of cuts) if (kind === 'refused') throw error;",
    seedsMax: 300,
  },
  {
    name: 'compactions go on before a backup has opened its files',
    file: 'src/router/router.ts',
    find: 'compactions.whileHeld(() => backups.begin(() => this.#cut()))',
    replace: 'backups.begin(() => this.#cut())',
    seedsMax: 300,
  },
  {
    name: 'time starts below the highest stamp on disk',
    file: 'src/engine/assemble-store.ts',
    find: 'stamps.raiseFloor(at);',
    replace: '',
    seedsMax: 150,
  },
  {
    name: 'a backup whose thread hangs keeps compactions from going on',
    file: 'src/engine/assemble-store.ts',
    find: 'backups.tick(housekeepingMs);',
    replace: '',
    seedsMax: 300,
  },
  {
    name: 'a part of a transaction is answered for before it is synced',
    file: 'src/shard/staging.ts',
    find: "this.#changes.push({ op: 'part', part });\n        this.#mustSync = true;",
    replace: "this.#changes.push({ op: 'part', part });",
    seedsMax: 100,
  },
  {
    name: 'a decision is made visible before it is synced',
    file: 'src/shard/staging.ts',
    find: "this.#changes.push({ op: 'note', transaction, committed });\n        this.#mustSync = true;",
    replace: "this.#changes.push({ op: 'note', transaction, committed });",
    seedsMax: 100,
  },
  {
    name: 'a decision is not noted',
    file: 'src/shard/staging.ts',
    find: 'this.#records.push(encodeNote(transaction, committed));',
    replace: '',
    seedsMax: 100,
  },
  {
    name: 'what is undecided is left behind when a compaction begins',
    file: 'src/shard/shard.ts',
    find: 'roomBytes, this.#transactions.records());',
    replace: 'roomBytes, []);',
    seedsMax: 100,
  },
  {
    name: 'what is undecided is left behind when a journal is mended',
    file: 'src/shard/shard.ts',
    find: 'this.#files.mend(this.#table, this.#transactions.records(), stamp);',
    replace: 'this.#files.mend(this.#table, [], stamp);',
    seedsMax: 300,
  },
  {
    name: 'a transaction is settled before all shards have noted it',
    file: 'src/router/transaction-coordinator.ts',
    find: 'const answers = await Promise.all(decided.map(({ answer }) => answer));\n        if (answers.some(isRefused))',
    replace: 'if (decided.length === 0)',
    seedsMax: 300,
  },
  {
    name: 'shards are told of a decision one after another',
    file: 'src/router/transaction-coordinator.ts',
    find: 'return shares.map(({ shard }) => sendDecision(shard, operation));',
    replace:
      'let before = Promise.resolve(); return shares.map(({ shard }) => { const sent = before.then(() => sendDecision(shard, operation)); const answer = sent.then((one) => one.answer); before = answer; return { answer, isDoneSoon: sent.then((one) => one.isDoneSoon) }; });',
    seedsMax: 100,
  },
  {
    name: 'a page leaves in one batch with a decision before it',
    file: 'src/router/batch-queue.ts',
    find: "op === 'cut' || (decides && (op === 'list' || op === 'count'))",
    replace: "op === 'cut'",
    seedsMax: 100,
  },
  {
    name: 'a transaction that lacks a part is taken for committed',
    file: 'src/storage/transaction-outcome.ts',
    find: 'outcomes.set(transaction, noted ?? isWhole);',
    replace: 'outcomes.set(transaction, noted ?? true);',
    seedsMax: 100,
  },
  {
    name: 'a start does not ask for notes',
    file: 'src/storage/transaction-outcome.ts',
    find: 'outcomes.set(transaction, noted ?? isWhole);',
    replace: 'outcomes.set(transaction, isWhole);',
    seedsMax: 100,
  },
  {
    name: 'shards are not told that a transaction is dropped',
    file: 'src/router/transaction-coordinator.ts',
    find: 'const decided = this.#decide(transaction, shares, false);',
    replace:
      "const decided = shares.map(() => ({ answer: Promise.resolve({ kind: 'done' }), isDoneSoon: Promise.resolve(true) }));",
    seedsMax: 100,
  },
  {
    name: 'a decision is not asked again when its thread has died',
    file: 'src/router/shard-client.ts',
    find: 'return mustArrive || isEntryRead(operation);',
    replace: 'return isEntryRead(operation);',
    seedsMax: 300,
  },
  {
    name: 'the cache keeps what a decision changes',
    file: 'src/router/transaction-coordinator.ts',
    find: 'for (const name of changes)\n                onChangeQueued(name);',
    replace: '',
    seedsMax: 100,
  },
  {
    name: 'locks are released before a transaction is decided',
    file: 'src/router/transaction-coordinator.ts',
    find: 'locks.hold(names, attempt)',
    replace: 'locks.hold(names, () => undefined).then(attempt)',
    seedsMax: 100,
  },
  {
    name: 'a transaction is committed by some of its shards',
    file: 'src/router/transaction-coordinator.ts',
    find: "answers.every(({ kind }) => kind === 'done')",
    replace: "answers.some(({ kind }) => kind === 'done')",
    seedsMax: 100,
  },
  {
    name: 'a new thread forgets parts of what is under way',
    file: 'src/shard/shard.ts',
    find: 'if (outcome === undefined)\n                this.#transactions.add(part);',
    replace: 'if (outcome === undefined)\n                continue;',
    seedsMax: 300,
  },
  {
    name: 'what may still be committed is said not to be',
    file: 'src/router/transaction-coordinator.ts',
    find: 'const isCertain = answers.some(lacksPart) || (await isNoted(decided, answers));',
    replace: 'const isCertain = true;',
    seedsMax: 300,
  },
  {
    name: 'a start notes a decision before all parts that it counts on are durable',
    file: 'src/engine/assemble-store.ts',
    find: 'await allOrFirstError(clients.map((client) => client.secure()));',
    replace: ';',
    seedsMax: 1000,
  },
  {
    name: 'a reshard drops what its start would commit',
    file: 'src/shard/entry-stream.ts',
    find: 'if (committed.has(transaction))',
    replace: 'if (committed.size < 0)',
    seedsMax: 300,
  },
];
