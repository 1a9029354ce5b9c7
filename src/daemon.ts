import { randomBytes, randomUUID } from 'node:crypto'
import { newLimits } from '../policy/limits.ts'
import { placed } from '../policy/tenants.ts'
import { newTold, toldBefore } from '../policy/told.ts'
import { makeAdapterDeps } from './adapter-deps.ts'
import { linkBackend } from './backend/connect.ts'
import { startBackground } from './background.ts'
import { commands } from './commands/index.ts'
import { jobsSaid } from './commands/page.ts'
import { makePlaces } from './commands/talks.ts'
import type { Config } from './config/config.ts'
import { type AdapterModule, type Address, ConfigError } from './contract/index.ts'
import { downgrade } from './delivery/downgrade.ts'
import { makeRegain } from './delivery/regain.ts'
import { makeTyping } from './delivery/typing.ts'
import { startWorker } from './delivery/worker.ts'
import type { Edge } from './edge.ts'
import { makeClientAddress } from './intake/client-address.ts'
import { listen } from './intake/http.ts'
import { makeSlots } from './intake/inline.ts'
import { makeLanes } from './intake/lanes.ts'
import { openPlatforms } from './intake/platforms.ts'
import { makeFollow } from './jobs/follow.ts'
import { makeHandOver } from './jobs/hand-over.ts'
import { makeInlineEnds } from './jobs/inline-ends.ts'
import { approversOf } from './jobs/reach.ts'
import { busyPart, keep } from './keep.ts'
import { mediaRoutes } from './media/serve.ts'
import { makeTurns } from './media/turns.ts'
import { accessOf, provesSenders } from './ops/access.ts'
import { makeAdminApp } from './ops/admin.ts'
import { makeApi } from './ops/api/app.ts'
import { operatorView } from './ops/api/view.ts'
import { makeMetrics } from './ops/metrics.ts'
import { type Ports, work } from './pipeline.ts'
import { openState } from './state.ts'
import { waitingEvents } from './store/inbox.ts'
import { openJobs } from './store/jobs.ts'
import { openCount } from './store/outbox.ts'
import { planTexts } from './texts/help.ts'
import { texts } from './texts/index.ts'

export interface Daemon {
  /** Nothing is kept, sent or run any more at this moment. */
  readonly idle: () => boolean
  /** Resolves when every intake has come to its own end (a terminal); never with a webhook. */
  readonly ended: () => Promise<void>
  /** Stops taking in, finishes what runs (10 s at the most), closes bottom-up. */
  readonly close: () => Promise<void>
}

/** What runs when the process is asked to end may take this long; then it is cut off, and the next start goes on. */
const drainMs = 6000
const sendMs = 2000
/** Fetching a file that a person sent. */
const fetchMs = 60_000
const day = 24 * 60 * 60_000

/** The one place where the parts meet. Opens top-down; `close` goes bottom-up. Throws ConfigError and StateError. */
export const openDaemon = async (config: Config, modules: readonly AdapterModule[], edge: Edge): Promise<Daemon> => {
  const { now, sleep, random, log, step } = edge
  const active = config.platforms.filter((platform) => platform.active)
  const { rules, problems, warnings } = accessOf(config, modules, commands)
  if (problems.length > 0) throw new ConfigError(problems)
  for (const warning of [...config.warnings, ...warnings]) log.warn({}, warning)

  const state = await openState(config, edge)
  const { store, blobs, links } = state
  const stop = new AbortController()
  const link = linkBackend(config.backend, edge, stop.signal)
  const newId = (): string => randomBytes(16).toString('base64url')
  const known = new Map(modules.map((module) => [module.id, module.capabilities]))
  const capabilities = (platform: string) => platforms.outlet(platform)?.capabilities ?? known.get(platform) ?? null
  const linking = { canLink: config.publicBaseUrl !== null, maxLinkBytes: config.media.maxBytes }
  const posting = { now, newId, ...linking, capabilities }
  const told = newTold(day, 5000)
  const looks = newLimits(5000)
  const slots = makeSlots()
  const wake = (lanes: Iterable<string>): void => worker.wake(lanes)
  const inlineEnds = makeInlineEnds({ store, now, log, wake, capabilities, step, sleep, signal: stop.signal })

  const metrics = makeMetrics(() => ({
    connector_events_waiting: { about: 'Events kept and not yet settled.', value: lanes.size() },
    connector_parts_waiting: { about: 'Outgoing parts not yet sent.', value: store.read(openCount) },
    connector_media_bytes: { about: 'Bytes of files held.', value: blobs.usage().bytes },
    connector_backend_up: { about: 'Whether the backend answers.', value: link.away() ? 0 : 1 },
  }))
  const addressOf = makeClientAddress(config.trustedProxies)
  const platforms = openPlatforms({
    active,
    depsFor: makeAdapterDeps({
      ...{ edge, state, link, commands, rules },
      jobsOf: (person, capabilities, signal) => jobsSaid(person, capabilities, { ...ports, looks }, signal),
    }),
    keep: (events, capabilities) => {
      for (const event of events) metrics.count('connector_events_total', { platform: event.where.platform })
      return keep(events, capabilities, ports)
    },
    http: {
      slots,
      ...inlineEnds,
      reported: (platform, reports) => worker.reported(platform, reports),
      sorry: busyPart,
      addressOf,
      refused: (platform) => metrics.count('connector_webhook_refused_total', { platform }),
      log,
    },
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
    outlet: platforms.outlet,
    lower: (part, caps, why) => downgrade(part, caps, { ...linking, texts: planTexts, why }),
    observe: (platform, outcome, error) => {
      metrics.count('connector_sends_total', { platform, outcome })
      if (outcome === 'sent') platforms.sending(platform, null)
      else if (error) platforms.sending(platform, error)
    },
    step,
  })
  const regain = makeRegain({ store, now, platforms, wake })
  const proving = new Set(active.filter(provesSenders).map(({ module }) => module.id))
  const outlets = () => platforms.outlets().filter(({ platform }) => proving.has(platform))
  const telling = {
    ...posting,
    store,
    wake,
    log,
    outlets,
    away: link.away,
    approvers: () => approversOf(rules, outlets()),
    placed: (where: Address) => placed(where, config.tenancy),
  }
  const follow = makeFollow({ config, edge, state, link, platforms, worker, telling, step })
  const ports: Ports = {
    ...posting,
    ...link,
    store,
    submitter: follow.submitter,
    tellJob: follow.tellJob,
    rules,
    commands: () => commands,
    hasAdminToken: config.backend.adminToken !== null,
    maxOpenJobs: config.limits.maxPendingPerSender,
    maxInputBytes: config.media.maxInputBytes,
    handOver: makeHandOver({
      backend: link.backend,
      blobs,
      download: (platform) => platforms.outlet(platform)?.adapter.download ?? null,
      maxBytes: config.media.maxInputBytes,
      timeoutMs: fetchMs,
      inTurn: makeTurns(),
      log,
    }),
    talks: makePlaces(Math.max(1, Math.floor(config.limits.concurrentCommands / 2))),
    away: () => {
      const gone = link.away()
      return gone && { ...gone, why: texts.backend.why.down }
    },
    quotas: regain.quotas,
    newTrace: randomUUID,
    limits: newLimits(20_000),
    userRpm: config.limits.userPerMinute,
    channelRpm: config.limits.channelPerMinute,
    maxCommandLength: config.limits.maxCommandLength,
    toldOnce: (what) => toldBefore(told, what, now()),
    tenancy: config.tenancy,
    slots,
    lanes: () => lanes,
    maxPending: config.limits.maxPending,
    maxPendingPerSender: config.limits.maxPendingPerSender,
    wake,
    lost: inlineEnds.lost,
    typing: makeTyping({ outlet: platforms.outlet, sleep, log, signal: stop.signal }),
    sleep,
    log,
    step,
  }
  const lanes = makeLanes({
    concurrent: config.limits.concurrentCommands,
    work: async (kept) => {
      const caps = capabilities(kept.event.where.platform)
      if (caps) await work(kept, caps, ports, stop.signal)
    },
  })
  const intakes = new AbortController()
  for (const kept of store.read(waitingEvents)) {
    lanes.hold(kept.event)
    lanes.add(kept)
  }
  const background = startBackground(
    {
      ...edge,
      state,
      regain: regain.look,
      retentionMs: config.limits.retentionMs,
      mediaMs: Math.max(config.media.ttlMs, day),
      replayMs: Math.max(...modules.map((module) => module.capabilities.redeliveryMs)),
      idle: () => lanes.idle() && worker.idle(),
      follow: follow.run,
    },
    stop.signal,
  )
  const adminApp = makeAdminApp({
    version: edge.version,
    platforms: platforms.states,
    trouble: store.trouble,
    backendAway: link.away,
    waiting: () => ({ events: lanes.size(), parts: store.read(openCount), jobs: store.read(openJobs).length }),
    metrics,
    closing: () => intakes.signal.aborted,
  })
  const api = { ...edge, addressOf, registry: state.installs, ...operatorView(config, modules) }
  const { host, port } = config.admin
  const admin = await listen(adminApp.route('/', makeApi(api)), host, port, (error) =>
    log.warn({ error: error.message }, 'admin listener in trouble'),
  ).catch((error: unknown) => {
    log.error({ host, port, error: String(error) }, 'admin listener not opened: no /healthz, /readyz and /metrics')
    return null
  })
  if (admin) log.info({ host, port: admin.port }, 'admin listening')
  await platforms.start(intakes.signal)
  log.info({ version: edge.version, platforms: platforms.outlets().map(({ platform }) => platform) }, 'ready')

  return {
    idle: () => lanes.idle() && worker.idle() && store.read(openJobs).every((job) => job.state === 'approval'),
    ended: platforms.ended,
    close: async () => {
      intakes.abort()
      const deadline = setTimeout(() => stop.abort(), drainMs)
      await Promise.all([platforms.close(), lanes.close()])
      clearTimeout(deadline)
      await worker.close(sendMs)
      stop.abort()
      await Promise.all(background)
      await admin?.close()
      await state.close()
      log.info({}, 'closed')
    },
  }
}
