import { writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { turned } from './turned.ts'

// Preloaded into a daemon (`--import`): each SIGUSR2 makes its databases read-only, or writable again. File modes can't:
// a process keeps what it has opened, and root may write anyway. SQLite answers as on a file system that the kernel has
// turned read-only after an error of the disk (SQLITE_READONLY).
const opened = new Set<DatabaseSync>()
const { exec } = DatabaseSync.prototype
let readOnly = false

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  opened.add(this)
  exec.call(this, sql)
}
process.on('SIGUSR2', () => {
  readOnly = !readOnly
  for (const db of opened) if (db.isOpen) exec.call(db, `PRAGMA query_only = ${readOnly ? 1 : 0}`)
  writeSync(2, turned)
})
