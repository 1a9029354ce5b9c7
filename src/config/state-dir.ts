import { posix, win32 } from 'node:path'
import type { Env } from './env-file.ts'

const folder = 'openclaw-connector'

/** The folder for a user's data by the custom of the system (XDG Base Directory, Apple's and Microsoft's folders). */
export function defaultStateDir(env: Env, homeDir: string, platform: string): string {
  if (platform === 'win32') return win32.join(env.LOCALAPPDATA || win32.join(homeDir, 'AppData', 'Local'), folder)
  if (platform === 'darwin') return posix.join(homeDir, 'Library', 'Application Support', folder)
  const xdg = env.XDG_DATA_HOME ?? ''
  // The specification tells us to ignore a relative XDG_DATA_HOME.
  return posix.join(posix.isAbsolute(xdg) ? xdg : posix.join(homeDir, '.local', 'share'), folder)
}

const expandHome = (path: string, homeDir: string): string =>
  path === '~' || path.startsWith('~/') ? homeDir + path.slice(1) : path

/** Where the state lives. `legacy` is the Python connector's file: state lay beside it, or in it if it was a folder. */
export function stateDir(
  settings: { readonly dir: string | undefined; readonly legacy: string | undefined },
  env: Env,
  homeDir: string,
  platform: string,
): { readonly dir: string; readonly warning?: string } {
  if (settings.dir !== undefined) return { dir: expandHome(settings.dir, homeDir) }
  if (settings.legacy === undefined) return { dir: defaultStateDir(env, homeDir, platform) }
  const path = platform === 'win32' ? win32 : posix
  const legacy = expandHome(settings.legacy, homeDir)
  // A folder of our own below it: the old state may lie in a working directory that is not ours to lock up.
  const dir = path.join(path.extname(legacy) === '' ? legacy : path.dirname(legacy), `${folder}-state`)
  return {
    dir,
    warning: `OPENCLAW_CONNECTOR_STATE_PATH: an old name; set OPENCLAW_CONNECTOR_STATE_DIR=${dir} instead`,
  }
}
