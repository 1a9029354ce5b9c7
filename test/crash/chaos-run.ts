import { disturb, gather, randomFrom } from './chaos-people.ts'
import { judge, type Verdict } from './chaos-verdict.ts'
import { steps } from './flows.ts'
import { type Crash, openStage, type Stage, tick } from './harness.ts'
import { bubbles } from './seen.ts'
import { openRows, openThings, passTime } from './state.ts'

export interface ChaosOptions {
  readonly rounds: number
  readonly seed: number
  /** How long the last daemon may take to bring everything to its end. */
  readonly patienceMs?: number
  readonly onRound?: (round: number, soFar: { readonly said: number; readonly kills: number }) => void
}

export interface Figures extends Verdict {
  readonly rounds: number
  readonly seed: number
  readonly kills: number
  readonly said: number
  readonly tookMs: number
  /** What was still open when patience ended; empty when all is well. */
  readonly open: readonly string[]
  /** What the last daemon warned about, and what people saw: for looking into a failure. */
  readonly log: readonly string[]
}

/** A third of the lives end at a step of their own, where pure chance seldom strikes. */
const ambush = (random: () => number): Crash | undefined => {
  const [now, which, nth] = [random() < 0.33, Math.floor(random() * steps.length), 1 + Math.floor(random() * 3)]
  const at = steps[which]
  return now && at ? { at, nth } : undefined
}

/** Kills a daemon again and again while people use it and the world misbehaves; then lets one live, and counts. */
export const chaos = async ({ rounds, seed, patienceMs = 90_000, onRound }: ChaosOptions): Promise<Figures> => {
  const startedMs = Date.now()
  const random = randomFrom(seed)
  const stage = await openStage({ stepMs: 2, with: 'all', mute: seed % 2 === 1, swapped: seed % 2 === 1 })
  try {
    const crowd = gather(stage, random)
    let kills = 0
    for (let round = 1; round <= rounds; round++) {
      const life = stage.life()?.alive() ? stage.life() : stage.start(ambush(random))
      await disturb(stage, random)
      const duringStart = random() < 0.25
      const acts = 1 + Math.floor(random() * 4)
      const waitMs = random() * (duringStart ? 250 : 800)
      const spread = Array.from({ length: acts }, random)
      const killed = random() < 0.85
      // A command is worked on for some milliseconds: most deaths shall find one under way.
      const inTheMiddle = random() < 0.6 ? random() * 60 : null
      if (!duringStart) await life?.ready
      // People act at random moments of the daemon's rest of life.
      const moments = spread.map((at) => at * waitMs).toSorted((a, b) => a - b)
      let passedMs = 0
      for (const moment of moments) {
        await tick(moment - passedMs)
        passedMs = moment
        crowd.act()
      }
      await tick(killed && inTheMiddle !== null ? inTheMiddle : waitMs - passedMs)
      if (killed) await life?.kill()
      if (!life?.alive()) kills++
      onRound?.(round, { said: crowd.said().length, kills })
    }
    const open = await calmDown(stage, crowd, patienceMs)
    const said = crowd.said()
    const tookMs = Date.now() - startedMs
    const log = [...(stage.life()?.said() ?? []), ...bubbles(stage).map(({ chat, text }) => `${chat}: ${text}`)]
    return {
      rounds,
      seed,
      kills,
      said: said.length,
      tookMs,
      open,
      log,
      ...judge({ ...stage, seen: bubbles(stage) }, said),
    }
  } finally {
    await stage.close()
  }
}

/** The world gets well, and the last daemon lives. Returns what is open in spite of that. */
const calmDown = async (
  stage: Stage,
  crowd: ReturnType<typeof gather>,
  patienceMs: number,
): Promise<readonly string[]> => {
  await stage.simulator.control.setDown(false)
  await stage.life()?.kill()
  // Takes the place of a lost answer that may be planned still: after this one nothing is in doubt any more.
  const { telegram, kakao, line, whatsapp, slack, discord, feishu } = stage
  slack.host.calm()
  for (const one of [telegram, kakao, line, whatsapp, discord, feishu]) one.failNext({ kind: 'unavailable' })
  // Other failures of WeChat's leave a doubt of their own or have a part wait for a minute; a picture refused goes as a link.
  stage.wechat.failNext({ kind: 'media_rejected' })
  passTime(stage.dir)
  stage.start()
  await stage.up()
  const endMs = Date.now() + patienceMs
  let quiet = 0
  while (Date.now() < endMs) {
    const rows = openRows(stage.dir)
    const open = rows ? rows.events + rows.parts + rows.jobs + rows.approvals + rows.mailbox : 1
    const heard = crowd.unheard().length === 0
    // Several times in a row: what has just ended may have news that are about to be written.
    quiet = open === 0 && heard ? quiet + 1 : 0
    if (quiet >= 3) return []
    if (heard && rows && rows.approvals + rows.mailbox > 0) await crowd.clear()
    await tick(150)
  }
  return [...openThings(stage.dir), ...crowd.unheard().map((name) => `${name} holds something nobody has heard`)]
}
