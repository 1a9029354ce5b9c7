import { expect, test } from 'vitest'
import { makeInlineEnds } from '../../src/jobs/inline-ends.ts'
import { makeSubmitter } from '../../src/jobs/submit.ts'
import { openBlobs } from '../../src/media/blobs.ts'
import { sweep } from '../../src/ops/sweep.ts'
import * as actions from '../../src/store/actions.ts'
import * as approvals from '../../src/store/approvals.ts'
import * as cancels from '../../src/store/cancels.ts'
import * as forget from '../../src/store/forget.ts'
import * as inbox from '../../src/store/inbox.ts'
import * as installs from '../../src/store/installs.ts'
import * as jobs from '../../src/store/jobs.ts'
import * as mail from '../../src/store/mailbox.ts'
import * as memo from '../../src/store/memo.ts'
import type { Db } from '../../src/store/open.ts'
import * as outbox from '../../src/store/outbox.ts'
import * as sentMedia from '../../src/store/sent-media.ts'
import { address, event, flush, makeClock, part, tempDir, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

/** Reads a table in its own order and stops at the first row that fits, which is near its beginning. */
const stopsEarly = /SELECT seq \+ \? FROM \w+ WHERE .* ORDER BY seq LIMIT 1/

const job: jobs.Job = {
  id: 'j',
  key: 'k',
  state: 'waiting',
  requester: 'fake:ann',
  asker: 'Ann',
  target: address(),
  template: 't',
  inputs: {},
  approval: false,
  traceId: 'trace',
  createdAtMs: 1,
}

const install: Parameters<typeof installs.putInstall>[1] = {
  id: 'inst_1',
  platform: 'fake',
  tenant: 'default',
  workspace: 'w',
  status: 'active',
  statusReason: '',
  health: { state: 'ok', reason: '', atMs: 1 },
  facts: {},
  createdAtMs: 1,
  updatedAtMs: 1,
}

/** Everything the store does, once. A function added to it has to be called here, or the second test fails. */
const calls: Readonly<Record<string, (db: Db) => unknown>> = {
  addAction: (db) =>
    actions.addAction(db, {
      id: 'a',
      say: '/x',
      only: null,
      once: 'o',
      tenant: 'default',
      platform: 'fake',
      workspace: null,
      chat: 'c',
      expiresAtMs: 1,
    }),
  actionById: (db) => actions.actionById(db, 'a'),
  useActions: (db) => actions.useActions(db, 'o', { by: 'fake:ann', event: 'e' }, 1),
  pruneActions: (db) => actions.pruneActions(db, 1, 5),
  addApproval: (db) =>
    approvals.addApproval(db, {
      id: 'apr',
      state: 'pending',
      template: 't',
      inputs: {},
      expiresAtMs: 1,
      createdAtMs: 1,
    }),
  approvalById: (db) => approvals.approvalById(db, 'apr'),
  openApprovals: (db) => approvals.openApprovals(db),
  claimApproval: (db) => approvals.claimApproval(db, 'apr', 'approving', { id: 'x', name: 'X' }, 1),
  unclaimApproval: (db) => approvals.unclaimApproval(db, 'apr'),
  endApproval: (db) => approvals.endApproval(db, 'apr', 'approved', 1),
  addCard: (db) => approvals.addCard(db, 'apr', 'card', address()),
  cardsOf: (db) => approvals.cardsOf(db, 'apr'),
  uncardedApprovals: (db) => approvals.uncardedApprovals(db, 5),
  unclosedCards: (db) => approvals.unclosedCards(db, 1, 5),
  claimedApprovals: (db) => approvals.claimedApprovals(db, 5),
  pruneApprovals: (db) => [approvals.pruneApprovals(db, 2, 5), approvals.addCard(db, 'apr', 'card', address())],
  keepEvent: (db) => inbox.keepEvent(db, event('e'), 'lane', 'run', 1),
  keepSettled: (db) => inbox.keepSettled(db, event('s'), 'lane', { outcome: 'x', answer: null }, 1),
  settleEvent: (db) => inbox.settleEvent(db, 1, { outcome: 'x', answer: null }, 1),
  eventState: (db) => inbox.eventState(db, 'e'),
  waitingEvents: (db) => inbox.waitingEvents(db),
  pruneInbox: (db) => inbox.pruneInbox(db, 1, 5),
  addJob: (db) => jobs.addJob(db, job),
  changeJob: (db) => [jobs.changeJob(db, 'j', { state: 'firing' }), jobs.changeJob(db, 'j', {}, ['firing', 'waiting'])],
  noteTold: (db) => jobs.noteTold(db, 'j', 'queued', null),
  jobById: (db) => jobs.jobById(db, 'j'),
  jobByKey: (db) => jobs.jobByKey(db, 'k'),
  jobByPrompt: (db) => jobs.jobByPrompt(db, 'p'),
  jobByApproval: (db) => jobs.jobByApproval(db, 'apr'),
  jobByTrace: (db) => jobs.jobByTrace(db, 't'),
  askCancel: (db) => cancels.askCancel(db, 'j', 'fake:ann'),
  noteCancelPassed: (db) => cancels.noteCancelPassed(db, 'j'),
  keepOutcome: (db) => jobs.keepOutcome(db, 'j', '{}'),
  openCountOf: (db) => jobs.openCountOf(db, 'fake:ann'),
  openJobs: (db) => jobs.openJobs(db),
  jobsToSubmit: (db) => jobs.jobsToSubmit(db, 50),
  overdueJobs: (db) => jobs.overdueJobs(db, 1, 5),
  untoldJobs: (db) => jobs.untoldJobs(db, 5),
  jobsOf: (db) => jobs.jobsOf(db, 'fake:ann', 5),
  findJobs: (db) => [jobs.findJobs(db, 'abcd', null), jobs.findJobs(db, 'abcd', 'fake:ann')],
  pruneJobs: (db) => jobs.pruneJobs(db, 1, 5),
  putInstall: (db) => installs.putInstall(db, install),
  installById: (db) => installs.installById(db, 'inst_1'),
  installsAt: (db) => installs.installsAt(db, 'fake', 'w'),
  installsOn: (db) => installs.installsOn(db, 'fake'),
  installsOfTenant: (db) => installs.installsOfTenant(db, 'default'),
  installCount: (db) => installs.installCount(db),
  putSecrets: (db) => installs.putSecrets(db, 'inst_1', [{ name: 's', value: null }]),
  secretsOf: (db) => installs.secretsOf(db, 'inst_1'),
  wipeSecrets: (db) => installs.wipeSecrets(db, 'inst_1'),
  sealedOtherwise: (db) => installs.sealedOtherwise(db, 'key'),
  dropInstall: (db) => installs.dropInstall(db, 'inst_2'),
  addAudit: (db) =>
    installs.addAudit(db, { ...install, atMs: 1, action: 'activate', install: 'inst_1', details: { reason: 'x' } }),
  auditOf: (db) => [installs.auditOf(db, 'default', null, 5), installs.auditOf(db, 'default', 'inst_1', 5)],
  auditCount: (db) => installs.auditCount(db, 'default'),
  dropMemo: (db) => memo.dropMemo(db, 's', 'k'),
  getMemo: (db) => memo.getMemo(db, 's', 'k'),
  setMemo: (db) => memo.setMemo(db, 's', 'k', 'v'),
  setContact: (db) => memo.setContact(db, 'fake:ann', address(), 1),
  pruneContacts: (db) => forget.pruneContacts(db, 1, 5),
  endForgotten: (db) => forget.endForgotten(db, 1, 2, 5),
  contactOf: (db) => memo.contactOf(db, 'fake:ann'),
  addPart: (db) => outbox.addPart(db, { part: part('p') }, 1),
  partRow: (db) => outbox.partRow(db, 'p'),
  recoverOutbox: (db) => outbox.recoverOutbox(db),
  openLanes: (db) => outbox.openLanes(db),
  nextPart: (db) => [outbox.nextPart(db, 'nobody', 1), outbox.nextPart(db, 'fake bot  c1', 0)],
  markSending: (db) => outbox.markSending(db, 'p'),
  markSent: (db) => outbox.markSent(db, 'p', { via: 'push' }, 1),
  markReported: (db) => outbox.markReported(db, 'p', 'read'),
  markEnded: (db) => outbox.markEnded(db, 'p', 'dead', 'why', 1),
  markAgain: (db) => outbox.markAgain(db, 'p', { state: 'queued', nextAtMs: 1, error: '' }),
  endLane: (db) => outbox.endLane(db, 'lane', 'gone', 1),
  withdraw: (db) => outbox.withdraw(db, 'p', 1),
  dropFromMailbox: (db) => mail.dropFromMailbox(db, 'p', 'why', 1),
  partByMessage: (db) => outbox.partByMessage(db, 'fake', 'm1'),
  queueMailbox: (db) => mail.queueMailbox(db, 'lane', 5, 1),
  mailbox: (db) => mail.mailbox(db, 'lane', 1),
  lanesWithMail: (db) => mail.lanesWithMail(db, 'fake'),
  mailboxCount: (db) => mail.mailboxCount(db, 'lane'),
  openCount: (db) => outbox.openCount(db),
  underWayCount: (db) => outbox.underWayCount(db, 'lane', 1),
  blobNeeded: (db) => outbox.blobNeeded(db, 'b', 1),
  pruneOutbox: (db) => outbox.pruneOutbox(db, 1, 5),
  addSentMedia: (db) => sentMedia.addSentMedia(db, event('e', '', { media: [{ kind: 'image', ref: 'r' }] }), 1),
  mediaOfMessage: (db) => sentMedia.mediaOfMessage(db, 'lane', 'm'),
  mediaByRef: (db) => sentMedia.mediaByRef(db, 'lane', 'r'),
  dropSentMedia: (db) => sentMedia.dropSentMedia(db, 'lane', 'm'),
  ownMediaOf: (db) => sentMedia.ownMediaOf(db, 'lane', 'm'),
  addFurtherMessages: (db) => sentMedia.addFurtherMessages(db, part('k'), { via: 'push', more: ['m'] }, 1),
  latestMedia: (db) => sentMedia.latestMedia(db, 'lane', 'fake:ann', 1),
  pruneSentMedia: (db) => sentMedia.pruneSentMedia(db, 1, 5),
}

const tour = async () => {
  const clock = makeClock()
  const { store, db, statements } = testStore(clock.now)
  for (const call of Object.values(calls)) call(db)
  const stop = new AbortController()
  const never = async (): Promise<never> => new Promise(() => {})
  const submitter = makeSubmitter({
    store,
    now: clock.now,
    sleep: clock.sleep,
    newTrace: () => 'trace',
    tellJob: async () => {},
    tellApproval: async () => {},
    watch: () => {},
    log: keepingLog(),
    step: () => {},
    backend: new Proxy({}, { get: () => never }) as Parameters<typeof makeSubmitter>[0]['backend'],
    templates: { get: never, expire: () => {} },
  })
  void submitter.run(stop.signal)
  await flush()
  stop.abort()
  const ends = makeInlineEnds({
    store,
    now: clock.now,
    log: keepingLog(),
    wake: () => {},
    capabilities: () => null,
    step: () => {},
    sleep: clock.sleep,
    signal: stop.signal,
  })
  await ends.earlier(event('e'))
  ends.written(part('ack:k', { interim: true, handle: { kind: 'inline', value: 'h', expiresAt: 1 } }), {
    answer: { status: 200, headers: {}, body: '' },
    tokenKept: false,
  })
  const newId = () => '0'.repeat(32)
  const blobs = await openBlobs({ dir: tempDir(), maxTotalBytes: 1, now: clock.now, newId, log: keepingLog() })
  const bounds = { retentionMs: 1, mediaMs: 1, replayMs: 1, regain: async () => {} }
  const sweeping = { store, blobs, now: clock.now, sleep: async () => {}, log: keepingLog(), ...bounds }
  await sweep(sweeping, new AbortController().signal)
  await flush()
  return { db, statements: [...statements()] }
}

/** How SQLite goes about it (the number of installations is bounded, and they do not age), where it would read a whole table or a whole index that grows with the past. */
const slow = (db: Db, text: string): string[] =>
  db
    .sql(`EXPLAIN QUERY PLAN ${text}`)
    .all(...Array.from({ length: text.split('?').length - 1 }, () => null))
    .map(({ detail }) => String(detail))
    .filter((detail) =>
      /^SCAN (?!install_secrets$|\w+ USING (COVERING )?INDEX (inbox_waiting|outbox_open|outbox_offered|outbox_mail|jobs_open|jobs_untold|approvals_open|installs_place)\b)/.test(
        detail,
      ),
    )

test('no statement of the running daemon reads a table from one end to the other: a million old rows cost nothing', async () => {
  const { db, statements } = await tour()
  const asked = statements.filter((text) => /^(SELECT|UPDATE|DELETE)/.test(text))
  expect(asked.length).toBeGreaterThan(40)
  const found = asked.flatMap((text) => {
    const plans = slow(db, text)
    const allowed = stopsEarly.test(text) ? 1 : 0
    return plans.length > allowed ? [{ text: text.replaceAll(/\s+/g, ' '), plans }] : []
  })
  expect(found).toEqual([])
})

test('the tour calls every function of the store that takes a database', () => {
  const all = {
    ...actions,
    ...approvals,
    ...cancels,
    ...forget,
    ...inbox,
    ...installs,
    ...jobs,
    ...mail,
    ...memo,
    ...outbox,
    ...sentMedia,
  }
  const functions = Object.entries(all).filter(
    ([name, value]) => typeof value === 'function' && !['memoFor', 'toRow'].includes(name),
  )
  expect(functions.map(([name]) => name).sort()).toEqual(Object.keys(calls).sort())
})
