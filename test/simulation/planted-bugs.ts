// Bugs that a store like this one has had, or nearly had. The search plants each in the compiled
// program, and the simulation must find it. `find` must match exactly one place of the file, in any
// layout, or a test fails. So a bug follows the code that it is planted in.

export interface PlantedBug {
  readonly name: string;
  /** The source file. The bug is planted in its compiled form. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The simulation must find the bug within so many seeds, counted from the first one. */
  readonly seedsMax: number;
  /**
   * The first seed if it is not 1. It is a little before the last seed that found the bug, to save
   * time.
   */
  readonly firstSeed?: number;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a write is acknowledged before it is synced',
    file: 'src/shard/commit/batch-commit.ts',
    find: "if (mustSync || fsync === 'always') this.#sync();",
    replace: '',
    seedsMax: 40,
  },
  {
    name: 'the bytes of a failed write are not cut off',
    file: 'src/storage/journal-writer.ts',
    find: 'this.#cutBack(); if (!isDiskFull(error))',
    replace: 'if (!isDiskFull(error))',
    seedsMax: 500,
    firstSeed: 5,
  },
  {
    name: 'the cache is filled although a write was queued meanwhile',
    file: 'src/router/read-cache.ts',
    find: 'if (pending.isOutrun) return;',
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
    file: 'src/shard/files/start-files.ts',
    find: '(mayHaveLostEnd ? seqJumpUnsynced : 0)',
    replace: '0',
    seedsMax: 60,
  },
  {
    name: "expiry is judged by the wall clock instead of the store's time",
    file: 'src/engine/assemble-store.ts',
    find: 'timestamp: () => timestamps.timestamp(), monotonicMs: () => clock.monotonicMs(),',
    replace: 'timestamp: () => clock.wallMs(), monotonicMs: () => clock.monotonicMs(),',
    seedsMax: 60,
    firstSeed: 5,
  },
  {
    name: 'a torn tail is cut too far',
    file: 'src/shard/files/torn-tail.ts',
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
    firstSeed: 6,
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
    file: 'src/shard/files/shard-files.ts',
    find: 'const replaced = { snapshot: oldSnapshot, journals: journals.filter(isFolded) };',
    replace:
      'const replaced = { snapshot: oldSnapshot, journals: journals.filter(isFolded) }; removeFilesOf(this.#place, replaced);',
    seedsMax: 60,
  },
  {
    name: 'a shard is reopened before its old thread has exited',
    file: 'src/router/shard/shard-lifecycle.ts',
    find: 'await this.#thread.destroy(); if (this.#state',
    replace: 'void this.#thread.destroy(); if (this.#state',
    seedsMax: 400,
    firstSeed: 195,
  },
  {
    name: 'a failed sync is taken for a success',
    file: 'src/storage/journal-writer.ts',
    find: 'this.#orBreak(() => this.#file.sync()); this.#durable = this.end;',
    replace: 'try { this.#file.sync(); } catch {} this.#durable = this.end;',
    seedsMax: 150,
  },
  {
    name: 'a write in doubt is served after a failed sync',
    file: 'src/shard/commit/batch-commit.ts',
    find: 'const fitted = this.write(',
    replace: 'run.staging.commit(); const fitted = this.write(',
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
    file: 'src/shard/streams/entry-stream.ts',
    find: 'changes.set(change.key, change);',
    replace: 'if (!changes.has(change.key)) changes.set(change.key, change);',
    seedsMax: 40,
  },
  {
    name: 'a folder is not synced after a rename',
    file: 'src/storage/file-system.ts',
    find: 'fileSystem.rename(temporary, `${folder}/${name}`); fileSystem.syncFolder(folder);',
    replace: 'fileSystem.rename(temporary, `${folder}/${name}`);',
    seedsMax: 60,
  },
  {
    name: 'the blanks ahead of a journal are cut off at a start, and not durably',
    file: 'src/shard/files/start-files.ts',
    find: 'file.truncate(used); file.sync();',
    replace: 'file.truncate(used);',
    seedsMax: 150,
  },
  {
    name: 'writes are not tried again once the disk was full',
    file: 'src/shard/files/disk-space.ts',
    find: 'if (now < this.#tryAgainAtMs)',
    replace: 'if (this.#tryAgainAtMs > 0)',
    seedsMax: 150,
  },
  {
    name: 'bytes that no mark vouches for are not written again before the sync',
    file: 'src/shard/files/start-files.ts',
    find: 'rewriteUnmarked(place, recovered);',
    replace: '',
    seedsMax: 300,
    firstSeed: 47,
  },
  {
    name: 'a compaction that came to nothing is not reported to its shard',
    file: 'src/router/background/compaction-scheduler.ts',
    find: 'await client.abortCompaction();',
    replace: ';',
    seedsMax: 300,
  },
  {
    name: 'a compaction that came to nothing while its shard was mended is not noticed',
    file: 'src/shard/shard.ts',
    find: 'this.#isStuck = false; this.#parts.space.compactionEnded();',
    replace: 'this.#isStuck = false;',
    seedsMax: 300,
    firstSeed: 114,
  },
  {
    name: 'the shards are cut for a backup one after another',
    file: 'src/router/background/backups.ts',
    find: "await sequencer.askAll({ op: 'cut' });",
    replace:
      "[]; for (const queue of sequencer.queues) cuts.push(await sequencer.ask(queue, { op: 'cut' })); for (const { kind, error } of cuts) if (kind === 'refused') throw error;",
    seedsMax: 300,
    firstSeed: 5,
  },
  {
    name: 'compactions go on before a backup has opened its files',
    file: 'src/router/background/backups.ts',
    find: 'this.#options.compactions.whileHeld(async () => this.#begin(await this.#cut(options)))',
    replace: 'this.#begin(await this.#cut(options))',
    seedsMax: 300,
  },
  {
    name: 'a backup of one namespace lacks the changes in the journals',
    file: 'src/shard/streams/entry-stream.ts',
    find: 'if (this.#only !== undefined && change.namespace !== this.#only)',
    replace: 'if (this.#only !== undefined)',
    seedsMax: 40,
  },
  {
    name: 'a backup of one namespace has the next one, too',
    file: 'src/storage/snapshot-part.ts',
    find: 'namespaces[index + 1]?.offset ?? this.#footer.offset',
    replace: 'this.#footer.offset',
    seedsMax: 60,
  },
  {
    name: 'time starts below the highest timestamp on disk',
    file: 'src/engine/assemble-store.ts',
    find: 'timestamps.raiseFloor(at);',
    replace: '',
    seedsMax: 150,
    firstSeed: 12,
  },
  {
    name: 'a backup whose thread hangs keeps compactions from going on',
    file: 'src/router/background/housekeeper.ts',
    find: 'backups.tick(housekeepingMs);',
    replace: '',
    seedsMax: 300,
    firstSeed: 41,
  },
  {
    name: 'a prepare is answered before it is synced',
    file: 'src/shard/commit/staging.ts',
    find: "this.#changes.push({ op: 'prepare', prepared }); this.#mustSync = true;",
    replace: "this.#changes.push({ op: 'prepare', prepared });",
    seedsMax: 100,
  },
  {
    name: 'an outcome is made visible before it is synced',
    file: 'src/shard/commit/staging.ts',
    find: "this.#changes.push({ op: 'resolve', transaction, committed }); this.#mustSync = true;",
    replace: "this.#changes.push({ op: 'resolve', transaction, committed });",
    seedsMax: 100,
  },
  {
    name: 'an outcome is not recorded',
    file: 'src/shard/commit/staging.ts',
    find: 'this.#records.push(encodeOutcome(transaction, committed));',
    replace: '',
    seedsMax: 100,
  },
  {
    name: 'transactions in doubt are left behind when a compaction begins',
    file: 'src/shard/shard.ts',
    find: 'roomBytes, this.#parts.transactions.records());',
    replace: 'roomBytes, []);',
    seedsMax: 100,
    firstSeed: 7,
  },
  {
    name: 'transactions in doubt are left behind when a journal is mended',
    file: 'src/shard/shard.ts',
    find: 'this.#files.mend(this.#parts.table, this.#parts.transactions.records(), timestamp);',
    replace: 'this.#files.mend(this.#parts.table, [], timestamp);',
    seedsMax: 300,
    firstSeed: 57,
  },
  {
    name: 'a transaction is forgotten before all participants have recorded its outcome',
    file: 'src/router/transactions/two-phase-commit.ts',
    find: "const answers = await Promise.all(deliveries.map(({ answer }) => answer)); if (answers.some(({ kind }) => kind === 'refused'))",
    replace: 'if (deliveries.length === 0)',
    seedsMax: 300,
    firstSeed: 5,
  },
  {
    name: 'participants are told of a commit one after another',
    file: 'src/router/sequencer.ts',
    find: "return participants.map(({ queue }) => deliver(queue, { op: 'commit', transaction }));",
    replace:
      "let before = Promise.resolve(); return participants.map(({ queue }) => { const sent = before.then(() => deliver(queue, { op: 'commit', transaction })); const answer = sent.then((one) => one.answer); before = answer; return { answer, isRecordedSoon: sent.then((one) => one.isRecordedSoon) }; });",
    seedsMax: 100,
  },
  {
    name: 'a page leaves in one batch with an outcome before it',
    file: 'src/router/shard/batch-queue.ts',
    find: "op === 'cut' || (resolves && isTableRead(queued.operation))",
    replace: "op === 'cut'",
    seedsMax: 100,
  },
  {
    name: 'a transaction that one participant has not prepared is taken for committed',
    file: 'src/storage/transaction-outcome.ts',
    find: 'resolved.set(transaction, recorded ?? isPrepared);',
    replace: 'resolved.set(transaction, recorded ?? true);',
    seedsMax: 100,
  },
  {
    name: 'a start does not ask for recorded outcomes',
    file: 'src/storage/transaction-outcome.ts',
    find: 'resolved.set(transaction, recorded ?? isPrepared);',
    replace: 'resolved.set(transaction, isPrepared);',
    seedsMax: 100,
  },
  {
    name: 'participants are not told that a transaction is aborted',
    file: 'src/router/transactions/two-phase-commit.ts',
    find: 'this.#options.sequencer.abort(transaction, queues);',
    replace:
      "queues.map(() => ({ answer: Promise.resolve({ kind: 'done' }), isRecordedSoon: Promise.resolve(true) }));",
    seedsMax: 100,
  },
  {
    name: 'an outcome is not sent again when the thread has died',
    file: 'src/router/shard/batch-sender.ts',
    find: 'return mustDeliver || isEntryRead(operation);',
    replace: 'return isEntryRead(operation);',
    seedsMax: 300,
  },
  {
    name: 'the cache keeps what a transaction changes',
    file: 'src/router/sequencer.ts',
    find: 'for (const name of changes) this.#cache.writeQueued(name);',
    replace: '',
    seedsMax: 100,
  },
  {
    name: 'locks are released before a transaction has its outcome',
    file: 'src/router/transactions/transaction-runner.ts',
    find: 'locks.hold(names, attempt)',
    replace: 'locks.hold(names, () => undefined).then(attempt)',
    seedsMax: 100,
  },
  {
    name: 'a transaction is committed once some of its participants have prepared it',
    file: 'src/router/transactions/two-phase-commit.ts',
    find: "answers.every(({ kind }) => kind === 'done')",
    replace: "answers.some(({ kind }) => kind === 'done')",
    seedsMax: 100,
  },
  {
    name: 'a new thread forgets what was prepared of transactions in flight',
    file: 'src/shard/opened-shard.ts',
    find: 'if (committed === undefined) transactions.add(prepared);',
    replace: 'if (committed === undefined) continue;',
    seedsMax: 300,
  },
  {
    name: 'a transaction that may still commit is said to be not applied',
    file: 'src/router/transactions/two-phase-commit.ts',
    find: 'const isCertain = holders.length < changes.length || (await isAnyRecordedSoon(recording));',
    replace: 'const isCertain = true;',
    seedsMax: 300,
    firstSeed: 104,
  },
  {
    name: 'a start records an outcome before all that it counts on is durable',
    file: 'src/engine/assemble-store.ts',
    find: 'await allOrFirstError(clients.map((client) => client.secure()));',
    replace: ';',
    seedsMax: 1000,
    firstSeed: 785,
  },
  {
    name: 'a reshard drops what its start would commit',
    file: 'src/shard/streams/entry-stream.ts',
    find: 'if (committed.has(transaction))',
    replace: 'if (committed.size < 0)',
    seedsMax: 300,
  },
];
