/** The press that used a button up: what came of it is found by its event. */
export const usedIn = `
ALTER TABLE actions ADD COLUMN used_in TEXT;
`
