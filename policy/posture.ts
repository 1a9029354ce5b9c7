import type { ConfigProblem } from '../src/contract/index.ts'

export interface Profiles {
  /** OPENCLAW_DEPLOYMENT_PROFILE and OPENCLAW_RUNTIME_PROFILE as they were read. */
  readonly deploymentProfile: string | undefined
  readonly runtimeProfile: string | undefined
}

export interface PlatformPosture {
  readonly id: string
  readonly active: boolean
  /** At least one id in its lists of allowed users or chats. */
  readonly hasAllowList: boolean
  /** Its senders are proven as it is configured. */
  readonly proven: boolean
  /** The variable that would prove them; null where the platform does by itself. */
  readonly proofVariable: string | null
  /** Names of its allow-list variables. */
  readonly variables: readonly string[]
}

const is = (value: string | undefined, wanted: string): boolean => value?.trim().toLowerCase() === wanted

/** Whether a missing allow list stops the start (spec/connector.md, "Strict Profile Gate"). */
const isStrict = (profiles: Profiles): boolean =>
  is(profiles.deploymentProfile, 'public') || is(profiles.runtimeProfile, 'hardened')

/** What is wrong with exposing the active platforms like this, all at once: problems under a strict profile, else
 *  warnings. */
export function posture(
  profiles: Profiles,
  platforms: readonly PlatformPosture[],
): { readonly problems: readonly ConfigProblem[]; readonly warnings: readonly string[] } {
  const gaps = platforms.filter((p) => p.active).flatMap(gapsOf)
  if (isStrict(profiles)) {
    const by = is(profiles.deploymentProfile, 'public')
      ? 'OPENCLAW_DEPLOYMENT_PROFILE=public'
      : 'OPENCLAW_RUNTIME_PROFILE=hardened'
    return { problems: gaps.map((gap) => ({ ...gap, cure: `${gap.cure} ${by} insists on it.` })), warnings: [] }
  }
  return { problems: [], warnings: gaps.map((gap) => `${gap.variable}: ${gap.read}. ${gap.cure}`) }
}

function gapsOf(platform: PlatformPosture): readonly ConfigProblem[] {
  const gaps: ConfigProblem[] = []
  if (!platform.hasAllowList) {
    gaps.push({
      variable: platform.variables.join(' or ') || platform.id,
      read: `empty, so on ${platform.id} everybody's /run waits for an approval, and nobody is known`,
      cure: 'List the users or chats that may run things without an approval.',
    })
  }
  if (!platform.proven) {
    gaps.push({
      variable: platform.proofVariable ?? platform.id,
      read: `not set, so nothing proves who writes on ${platform.id}: whoever reaches it can read and ask in anybody's name`,
      cure: 'Set the secret by which this platform signs or marks its requests, or switch the platform off.',
    })
  }
  return gaps
}
