import { appId, home, type Team } from './slack-hooks.ts'
import { type Answer, type Fields, no } from './slack-methods.ts'
import { botScopes, people, type World } from './slack-world.ts'

export const clientId = '1111111111.2222222222'
export const clientSecret = 'fake-slack-client-secret'

export interface OauthHost {
  /** oauth.v2.access: exchanges a code, or renews a rotating token. */
  readonly access: (fields: Fields) => Answer
  /** A person agreed on Slack's page: the code that comes back with them. */
  readonly agree: (options?: {
    readonly team?: Team
    readonly redirectUri?: string
    readonly rotating?: boolean
    /** How long its first token lives, when it rotates; 12 hours. */
    readonly lifeS?: number
  }) => string
  /** Ends all access tokens of a workspace; those to renew them stay good. */
  readonly expire: (team: Team) => void
  /** All tokens handed out, for "no secret in a log". */
  readonly secrets: () => readonly string[]
  readonly exchanges: () => number
}

const usualLifeS = 43_200

export const makeOauth = (world: World): OauthHost => {
  const codes = new Map<
    string,
    { team: Team; redirectUri: string | undefined; rotating: boolean; lifeS: number; untilMs: number }
  >()
  const refresh = new Map<string, Team>()
  const secrets: string[] = []
  let count = 0
  let exchanges = 0

  const secret = (what: string): string => {
    count += 1
    const token = `${what}-fake-${count}`
    secrets.push(token)
    return token
  }

  const grant = (team: Team, rotating: boolean, lifeS = usualLifeS): object => {
    const token = secret(rotating ? 'xoxe.xoxb' : 'xoxb')
    const expiresAt = rotating ? world.now() + lifeS * 1000 : null
    world.tokens.set(token, { team, kind: 'bot', scopes: botScopes, expiresAt, revoked: null })
    if (!rotating) return { access_token: token }
    const next = secret('xoxe')
    refresh.set(next, team)
    return { access_token: token, refresh_token: next, expires_in: lifeS }
  }

  const told = (team: Team): Answer => ({
    ok: true,
    app_id: appId,
    scope: botScopes.join(','),
    token_type: 'bot',
    bot_user_id: team.botUser,
    team: team.enterprise === null ? { id: team.id, name: team.name } : null,
    enterprise: team.enterprise === null ? null : { id: team.enterprise, name: 'Example Org' },
    is_enterprise_install: team.enterprise !== null,
  })

  return {
    access: (fields) => {
      exchanges += 1
      if (fields.client_id !== clientId) return no('invalid_client_id')
      if (fields.client_secret !== clientSecret) return no('bad_client_secret')
      if (fields.grant_type === 'refresh_token') {
        const team = refresh.get(String(fields.refresh_token))
        if (!team) return no('invalid_refresh_token')
        // Dead after use.
        refresh.delete(String(fields.refresh_token))
        return { ...told(team), ...grant(team, true) }
      }
      const code = codes.get(String(fields.code))
      if (!code || code.untilMs < world.now()) return no('invalid_code')
      codes.delete(String(fields.code))
      if (code.redirectUri !== undefined && fields.redirect_uri !== code.redirectUri) return no('bad_redirect_uri')
      return { ...told(code.team), authed_user: { id: people.ann }, ...grant(code.team, code.rotating, code.lifeS) }
    },
    agree: ({ team = home, redirectUri, rotating = false, lifeS = usualLifeS } = {}) => {
      count += 1
      const code = `fakecode.${count}`
      codes.set(code, { team, redirectUri, rotating, lifeS, untilMs: world.now() + 600_000 })
      return code
    },
    expire: (team) => {
      for (const [token, one] of world.tokens)
        if (one.team === team && one.expiresAt !== null) world.tokens.set(token, { ...one, expiresAt: world.now() })
    },
    secrets: () => secrets,
    exchanges: () => exchanges,
  }
}
