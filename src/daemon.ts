import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { newLimits } from '../policy/limits.ts'
import { makeRules } from '../policy/rules.ts'
import { createCached, type Hold } from './backend/cached.ts'
import { createBackend } from './backend/client.ts'
import { watchPresence } from './backend/presence.ts'
import { watchSocket } from './backend/socket.ts'
import { commands } from './commands/index.ts'
import type { Config } from './config/config.ts'
import { type AdapterModule, ConfigError, type InboundEvent } from './contract/index.ts'
import { downgrade } from './delivery/downgrade.ts'
import { makeTyping } from './delivery/typing.ts'
import { startWorker } from './delivery/worker.ts'
import { listen } from './intake/http.ts'
import { makeSlots } from './intake/inline.ts'
import { makeLanes } from './intake/lanes.ts'
import { openPlatforms } from './intake/platforms.ts'
import { makeInlineEnds } from './jobs/inline-ends.ts'
import { makeLive } from './jobs/live.ts'
import { makeFollower } from './jobs/progress.ts'
import { approversOf } from './jobs/reach.ts'
import { makeSubmitter } from './jobs/submit.ts'
import { tellApproval, tellJob } from './jobs/tell.ts'
import { makeWatcher } from './jobs/watch.ts'
import type { RootLog } from './log.ts'
import { openBlobs } from './media/blobs.ts'
import { createLinks } from './media/links.ts'
import { mediaRoutes } from './media/serve.ts'
import { makeAdminApp } from './ops/admin.ts'
import { menuFor } from './ops/menu.ts'
import { makeMetrics } from './ops/metrics.ts'
import { keepSweeping } from './ops/sweep.ts'
import { keep, type Ports, work } from './pipeline.ts'
import { waitingEvents } from './store/inbox.ts'
import { openJobs } from './store/jobs.ts'
import { getMemo, memoFor, setMemo } from './store/memo.ts'
import { lockState, openDb } from './store/open.ts'
import { openCount, recoverOutbox } from './store/outbox.ts'
import { openStore } from './store/store.ts'
import { adapterTexts, planTexts } from './texts/help.ts'
import { texts } from './texts/index.ts'

/** What comes from outside the program. */
export interface Edge {
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly pid: number
  readonly version: string
  readonly log: RootLog
  /** Called at the named steps of the pipeline; the crash tests end the process there. */
  readonly step?: (name: string) => void
}

export interface Daemon {
  /** Nothing is kept, sent or run any more at this moment. */
  readonly idle: () => boolean
  /** Resolves when every intake has come to its own end (a terminal); never with a webhook. */
  readonly ended: () => Promise<void>
  /** Stops taking in, finishes what runs (10 s at the most), closes bottom-up. */
  readonly close: () => Promise<void>
}

/** The one place where the parts meet. Opens top-down; `close` goes bottom-up. Throws ConfigError and StateError. */
export const openDaemon = async (config: Config, modules: readonly AdapterModule[], edge: Edge): Promise<Daemon> => {
  const { now, sleep, random, log } = edge
  const step = edge.step ?? (() => {})
  const active = config.platforms.filter((platform) => platform.active)
  const operators = active.flatMap(({ module, settings }) =>
    module.operator && settings[module.operator.flag] !== false ? [`${module.id}:${module.operator.id}`] : [],
  )
  const { rules, problems, warnings } = makeRules(
    { ...config.rules, adminUsers: [...config.rules.adminUsers, ...operators] },
    commands,
    modules.map((module) => module.id),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  for (const warning of [...config.warnings, ...warnings]) log.warn({}, warning)

  const lock = lockState(config.stateDir, edge.pid)
  const store = openStore(openDb(join(config.stateDir, 'connector.db')), now)
  const newId = (): string => randomBytes(16).toString('base64url')
  const blobs = await openBlobs({
    dir: join(config.stateDir, 'media'),
    maxTotalBytes: config.media.maxTotalBytes,
    now,
    newId: () => randomBytes(16).toString('hex'),
    log,
  })
  const mediaKey = await store.write((db) => {
    const known = getMemo(db, 'core', 'media-key')
    if (known) return Buffer.from(known, 'base64')
    const fresh = randomBytes(32)
    setMemo(db, 'core', 'media-key', fresh.toString('base64'))
    return fresh
  })
  const links = createLinks({
    key: mediaKey,
    base: config.publicBaseUrl,
    path: config.media.path,
    ttlMs: config.media.ttlMs,
    now,
  })
  const unsure = await store.write(recoverOutbox)
  if (unsure > 0) log.warn({ parts: unsure }, 'sends were under way when the last run ended')

  const stop = new AbortController()
  const running: Promise<unknown>[] = []
  const background = (turn: Promise<unknown>): void => void running.push(turn)
  const presence = watchPresence(edge.fetch, now)
  const backend = createBackend({
    url: config.backend.url,
    adminToken: config.backend.adminToken,
    obsToken: config.backend.obsToken,
    tenantHeader: config.backend.tenant?.header ?? null,
    version: edge.version,
    fetch: presence.fetch,
    now,
    log,
  })
  const hold: Hold = { until: null }
  const cached = { now, signal: stop.signal, hold }
  const templates = createCached({ ...cached, load: (options) => backend.templates(options) })
  const llmConfig = createCached({ ...cached, load: (options) => backend.config(options) })
  const away = () => {
    const gone = presence.away()
    return gone && { ...gone, why: texts.backend.why.down }
  }

  const metrics = makeMetrics(() => ({
    connector_events_waiting: { about: 'Events kept and not yet settled.', value: lanes.size() },
    connector_parts_waiting: { about: 'Outgoing parts not yet sent.', value: store.read(openCount) },
    connector_media_bytes: { about: 'Bytes of files held.', value: blobs.usage().bytes },
    connector_backend_up: { about: 'Whether the backend answers.', value: presence.away() ? 0 : 1 },
  }))
  const slots = makeSlots()
  const capabilitiesOf = (platform: string) => modules.find((module) => module.id === platform)?.capabilities ?? null
  const outlet = (platform: string) => platforms.outlet(platform)
  const canLink = config.publicBaseUrl !== null
  const posting = { now, newId, canLink, capabilities: capabilitiesOf }
  const wake = (names: Iterable<string>): void => worker.wake(names)
  const telling = {
    ...posting,
    store,
    wake,
    log,
    outlets: () => platforms.outlets(),
    approvers: () => approversOf(rules, platforms.outlets()),
  }
  const tellJobNow = (id: string): Promise<void> =>
    tellJob(id, telling)
      .catch((error: unknown) => log.error({ job: id, error: String(error) }, 'job news not written yet'))
      .then(() => watcher.wake())
  const tellApprovalNow = (id: string): Promise<void> =>
    tellApproval(id, telling).catch((error: unknown) =>
      log.error({ approval: id, error: String(error) }, 'approval news not written yet'),
    )

  const submitting = {
    backend,
    now,
    sleep,
    store,
    newTrace: randomUUID,
    tellJob: tellJobNow,
    tellApproval: tellApprovalNow,
    log,
    step,
  }
  const submitter = makeSubmitter({ ...submitting, watch: () => watcher.wake() })
  const inlineEnds = makeInlineEnds({ store, now, log, wake, capabilities: capabilitiesOf })
  const platforms = openPlatforms({
    active,
    depsFor: (module) => ({
      fetch: edge.fetch,
      now,
      random,
      sleep,
      log: log.child({ platform: module.id }),
      memo: memoFor(store, `adapter:${module.id}`),
      media: { open: blobs.open, link: links.link },
      say: (id) => adapterTexts[id],
      menu: menuFor(commands, rules, module.id),
    }),
    keep: (events: readonly InboundEvent[], capabilities) => {
      for (const event of events) metrics.count('connector_events_total', { platform: event.where.platform })
      return keep(events, capabilities, ports)
    },
    http: { slots, earlier: inlineEnds.earlier, written: inlineEnds.written, lost: inlineEnds.lost, log },
    shared: config.http,
    mount: (app) => void app.route(config.media.path, mediaRoutes({ links, blobs, now })),
    now,
    random,
    sleep,
    log,
  })
  const worker = startWorker({
    store,
    now,
    random,
    sleep,
    log,
    outlet,
    lower: (part, capabilities) => downgrade(part, capabilities, { canLink, texts: planTexts }),
    observe: (platform, outcome) => metrics.count('connector_sends_total', { platform, outcome }),
    step,
  })
  const live = makeLive({ store, now, outlet, gateOf: worker.gateOf })
  const progress = makeFollower(
    (clientId, onMessage, signal) =>
      watchSocket({
        url: config.backend.url,
        clientId: () => clientId,
        WebSocket: edge.WebSocket,
        onMessage,
        now,
        sleep,
        random,
      })(signal),
    live,
  )
  const watcher = makeWatcher({
    ...telling,
    ...submitting,
    blobs,
    maxImages: config.delivery.maxFiles,
    maxImageBytes: config.delivery.maxBytes,
    slowMs: config.delivery.timeoutMs,
    endLive: live.end,
    live,
    progress,
    wakeSubmitter: submitter.wake,
  })
  const ports: Ports = {
    ...posting,
    store,
    backend,
    templates,
    llmConfig,
    submitter,
    rules,
    commands: () => commands,
    hasAdminToken: config.backend.adminToken !== null,
    maxOpenJobs: config.limits.maxPendingPerSender,
    away,
    tellJob: tellJobNow,
    newTrace: randomUUID,
    limits: newLimits(20_000),
    userRpm: config.limits.userPerMinute,
    channelRpm: config.limits.channelPerMinute,
    maxCommandLength: config.limits.maxCommandLength,
    slots,
    lanes: () => lanes,
    maxPending: config.limits.maxPending,
    maxPendingPerSender: config.limits.maxPendingPerSender,
    wake,
    lost: inlineEnds.lost,
    typing: makeTyping({ outlet, sleep, log, signal: stop.signal }),
    sleep,
    log,
    step,
  }
  const lanes = makeLanes({
    concurrent: config.limits.concurrentCommands,
    work: async (kept) => {
      const capabilities = capabilitiesOf(kept.event.where.platform)
      if (capabilities) await work(kept, capabilities, ports, stop.signal)
    },
  })

  for (const kept of store.read(waitingEvents)) lanes.add(kept)
  background(submitter.run(stop.signal))
  background(watcher.run(stop.signal))
  background(
    watchSocket({
      url: config.backend.url,
      clientId: randomUUID,
      WebSocket: edge.WebSocket,
      onStatus: watcher.wake,
      onUp: () => {
        watcher.wake()
        submitter.wake()
      },
      now,
      sleep,
      random,
    })(stop.signal),
  )
  const replayMs = Math.max(...modules.map((module) => module.capabilities.redeliveryMs))
  background(
    keepSweeping(
      {
        store,
        blobs,
        now,
        sleep,
        log,
        retentionMs: config.limits.retentionMs,
        mediaMs: Math.max(config.media.ttlMs, 24 * 60 * 60_000),
        replayMs,
      },
      stop.signal,
    ),
  )

  const intakes = new AbortController()
  let closing = false
  const adminApp = makeAdminApp({
    version: edge.version,
    platforms: platforms.states,
    trouble: store.trouble,
    backendAway: presence.away,
    waiting: () => ({ events: lanes.size(), parts: store.read(openCount), jobs: store.read(openJobs).length }),
    metrics,
    closing: () => closing,
  })
  const admin = await listen(adminApp, config.admin.host, config.admin.port).then(
    (listener) => {
      log.info({ host: config.admin.host, port: listener.port }, 'admin listening')
      return listener
    },
    (error: unknown) => {
      log.error({ error: String(error) }, 'admin listener not opened: no /healthz, /readyz and /metrics')
      return null
    },
  )
  await platforms.start(intakes.signal)
  log.info({ version: edge.version, platforms: active.map(({ module }) => module.id) }, 'ready')

  return {
    idle: () => lanes.idle() && worker.idle() && store.read(openJobs).every((job) => job.state === 'approval'),
    ended: platforms.ended,
    close: async () => {
      closing = true
      intakes.abort()
      const deadline = setTimeout(() => stop.abort(), 6000)
      await Promise.all([platforms.close(), lanes.close()])
      clearTimeout(deadline)
      await worker.close(2000)
      stop.abort()
      await Promise.all(running)
      await admin?.close()
      await store.close()
      lock.release()
      log.info({}, 'closed')
    },
  }
}
