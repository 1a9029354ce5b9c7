// A file of its own: what an installation keeps of Slack's answer, for installing and for renewing alike.
import type { Granted } from './wire.ts'

export interface OauthKeys {
  /** As oauth.v2.access takes them. */
  readonly args: { readonly client_id: string; readonly client_secret: string }
  /** Signs what goes through a browser. */
  readonly signingKey: string
}

export const secretsOf = ({ access_token, refresh_token }: Granted): Readonly<Record<string, string>> => ({
  botToken: access_token,
  ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
})

/** The workspace (of an organisation-wide installation: the organisation) and the plain facts; null when Slack names
 *  neither. */
export const grantOf = (
  given: Granted,
  nowMs: number,
): { readonly workspace: string | null; readonly facts: Readonly<Record<string, string>> } => {
  const { team, enterprise, is_enterprise_install: wide } = given
  const facts = {
    name: wide === true ? enterprise?.name : team?.name,
    team: team?.id,
    enterprise: enterprise?.id,
    enterpriseWide: String(wide === true),
    app: given.app_id,
    botUser: given.bot_user_id,
    scopes: given.scope,
    installedAtMs: String(nowMs),
    ...(given.expires_in === undefined ? {} : { expiresAtMs: String(nowMs + given.expires_in * 1000) }),
  }
  const known = Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return { workspace: (wide === true ? enterprise?.id : team?.id) ?? null, facts: Object.fromEntries(known) }
}
