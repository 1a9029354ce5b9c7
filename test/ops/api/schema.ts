/** As much of JSON Schema as the document uses. A keyword it does not know is an error, so that nothing is skipped. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly minimum?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

const known = new Set('$ref type const enum pattern minimum required properties additionalProperties items'.split(' '))

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value)

const hasType = (value: unknown, type: string): boolean =>
  type === 'integer' ? Number.isInteger(value) : typeOf(value) === type

/** Everything in a value that goes against its schema, each with its place. */
export const mistakes = (value: unknown, schema: Schema, all: Readonly<Record<string, Schema>>, at = '$'): string[] => {
  const odd = Object.keys(schema).filter((keyword) => !known.has(keyword))
  if (odd.length > 0) throw new Error(`this check knows no ${odd.join(', ')}`)
  if (schema.$ref) {
    const target = all[schema.$ref.replace('#/components/schemas/', '')]
    return target ? mistakes(value, target, all, at) : [`${at}: no schema ${schema.$ref}`]
  }
  const found: string[] = []
  const wrong = (what: string): void => void found.push(`${at}: ${JSON.stringify(value)} ${what}`)
  if (schema.type && !hasType(value, schema.type)) wrong(`is no ${schema.type}`)
  if ('const' in schema && value !== schema.const) wrong(`is not ${schema.const}`)
  if (schema.enum && !schema.enum.includes(value)) wrong('is none of the values')
  if (schema.pattern && typeof value === 'string' && !new RegExp(schema.pattern).test(value)) wrong('does not match')
  if (schema.minimum !== undefined && Number(value) < schema.minimum) wrong('is too small')
  if (Array.isArray(value) && schema.items)
    for (const [i, one] of value.entries()) found.push(...mistakes(one, schema.items, all, `${at}[${i}]`))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return found
  for (const name of schema.required ?? []) if (!(name in value)) found.push(`${at}: ${name} is missing`)
  for (const [name, one] of Object.entries(value)) {
    const own = schema.properties?.[name] ?? schema.additionalProperties
    if (own === false) found.push(`${at}: ${name} is not foreseen`)
    else if (typeof own === 'object') found.push(...mistakes(one, own, all, `${at}.${name}`))
  }
  return found
}
