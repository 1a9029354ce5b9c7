/** How far a sent part came, where its platform tells. */
export const reported = `
ALTER TABLE outbox ADD COLUMN reported TEXT CHECK (reported IN ('delivered', 'read'));
`
