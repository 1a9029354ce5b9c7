import type { Artifact, Capabilities, MediaRung } from '../contract/index.ts'

export interface RungChoice {
  /** Whether signed links can be made (a public base is configured). */
  readonly canLink: boolean
  /** A bound of our own on what is handed over by link. */
  readonly maxLinkBytes?: number
  /** Names of rungs that are out of question (the platform refused them). */
  readonly exclude?: readonly string[]
}

/** The best way the platform takes this file; null when there is none. */
export const chooseRung = (artifact: Artifact, caps: Capabilities, choice: RungChoice): MediaRung | null =>
  caps.media[artifact.kind].find((rung) => isOpen(artifact, rung, choice) && fitsRung(artifact, rung, choice)) ?? null

/** The next way below the one that was refused. */
export const rungBelow = (
  artifact: Artifact,
  refused: string,
  caps: Capabilities,
  choice: RungChoice,
): MediaRung | null => {
  const rungs = caps.media[artifact.kind]
  const lower = rungs.slice(rungs.findIndex(({ as }) => as === refused) + 1).filter(({ as }) => as !== refused)
  return chooseRung(artifact, { ...caps, media: { ...caps.media, [artifact.kind]: lower } }, choice)
}

/** How small the still picture has to be that a platform wants beside this file; null when it wants none. Ways below the
 *  best one count too: should that be refused, the next has what it needs. */
export const previewLimit = (artifact: Artifact, caps: Capabilities, choice: RungChoice): number | null => {
  const limits = caps.media[artifact.kind]
    .filter((rung) => isOpen(artifact, rung, choice) && fitsRung(artifact, rung, choice))
    .flatMap(({ previewBytes }) => previewBytes ?? [])
  return limits.length > 0 ? Math.min(...limits) : null
}

/** How much of such a file the platform takes, whatever its pixels; 0 when it takes none. */
export const largestBytes = (artifact: Artifact, caps: Capabilities, choice: RungChoice): number =>
  Math.max(
    0,
    ...caps.media[artifact.kind].filter((rung) => isOpen(artifact, rung, choice)).map((rung) => limitOf(rung, choice)),
  )

const isOpen = (artifact: Artifact, rung: MediaRung, { canLink, exclude }: RungChoice): boolean =>
  (rung.by === 'upload' || canLink) &&
  exclude?.includes(rung.as) !== true &&
  rung.mime.some((pattern) => matchesMime(artifact.mime, pattern)) &&
  (rung.animated === undefined || rung.animated === (artifact.animated ?? false))

const limitOf = (rung: MediaRung, { maxLinkBytes = rung.maxBytes }: RungChoice): number =>
  rung.by === 'url' ? Math.min(rung.maxBytes, maxLinkBytes) : rung.maxBytes

const fitsRung = (artifact: Artifact, rung: MediaRung, choice: RungChoice): boolean =>
  artifact.bytes <= limitOf(rung, choice) && fitsPixels(artifact, rung.pixels)

const matchesMime = (mime: string, pattern: string): boolean => {
  const bare = mime.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const wanted = pattern.toLowerCase()
  if (wanted === '*' || wanted === '*/*') return true
  return wanted.endsWith('/*') ? bare.startsWith(wanted.slice(0, -1)) : bare === wanted
}

/** Unknown sizes pass: should the platform refuse them, the next rung takes over. */
const fitsPixels = ({ width, height }: Artifact, limit: MediaRung['pixels']): boolean => {
  if (!limit || !width || !height) return true
  return width + height <= limit.sum && Math.max(width, height) / Math.min(width, height) <= limit.ratio
}
