import { z } from "zod";

export type JsonSchema = { [key: string]: unknown };
type Io = "input" | "output";

const LOCAL_REF = "#/$defs/";
const COMPONENT_REF = "#/components/schemas/";

/**
 * Turns Zod schemas into JSON Schema 2020-12 and keeps the named ones (`.meta({ id })`) apart, as OpenAPI components.
 * A name that means something else in answers than in requests (defaults, transforms) becomes `NameOutput` there.
 */
export class SchemaBook {
  readonly #components: Record<Io, Map<string, JsonSchema>> = { input: new Map(), output: new Map() };

  /** The schema as it stands in a document: a reference when it has a name. Call {@link finish} after the last one. */
  convert(schema: z.ZodType, io: Io): JsonSchema {
    const { root, definitions } = render(schema, io);
    for (const [name, definition] of definitions) this.#keep(io, name, definition);
    return toReferences(root, io);
  }

  /** An object schema spelled out, even when it has a name; what it refers to stays a reference. */
  convertInline(schema: z.ZodType, io: Io): JsonSchema {
    const { root, definitions } = render(schema, io);
    const own = typeof root["$ref"] === "string" ? nameOf(root["$ref"]) : null;
    for (const [name, definition] of definitions) if (name !== own) this.#keep(io, name, definition);
    return toReferences((own === null ? root : definitions.get(own)) ?? root, io);
  }

  #keep(io: Io, name: string, definition: JsonSchema): void {
    const mine = toReferences(definition, io);
    const known = this.#components[io].get(name);
    if (known && canonical(known) !== canonical(mine)) throw new Error(`two different schemas are called "${name}"`);
    this.#components[io].set(name, mine);
  }

  /** The components, sorted by name, and the document with its references settled. */
  finish<T>(document: T): { document: T; components: Record<string, JsonSchema> } {
    const { input, output } = this.#components;
    const split = this.#namesThatDiffer();
    const settle = <V>(value: V): V => JSON.parse(JSON.stringify(value), (key, text: unknown) => (key === "$ref" && typeof text === "string" ? settleRef(text, split) : text)) as V;
    const all = new Map<string, JsonSchema>();
    for (const [name, schema] of output) all.set(split.has(name) ? `${name}Output` : name, settle(schema));
    for (const [name, schema] of input) all.set(name, settle(schema));
    return { document: settle(document), components: Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  /** Names used on both sides whose schemas differ, directly or through what they refer to. */
  #namesThatDiffer(): Set<string> {
    const { input, output } = this.#components;
    const shared = [...output.keys()].filter((name) => input.has(name));
    const bare = (schema: JsonSchema | undefined): string => canonical(schema).replaceAll(/"(input|output):/g, '"');
    const differ = new Set(shared.filter((name) => bare(input.get(name)) !== bare(output.get(name))));
    for (let before = -1; before !== differ.size; ) {
      before = differ.size;
      for (const name of shared) if ([...differ].some((other) => canonical(output.get(name)).includes(`"${refOf(other, "output")}"`))) differ.add(name);
    }
    return differ;
  }
}

function render(schema: z.ZodType, io: Io): { root: JsonSchema; definitions: Map<string, JsonSchema> } {
  const { $schema: _dialect, $defs, ...root } = z.toJSONSchema(schema, { io, unrepresentable: "any", override: ({ zodSchema, jsonSchema }) => tidy(zodSchema, jsonSchema as JsonSchema, io) }) as JsonSchema;
  return { root, definitions: new Map(Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) };
}

const nameOf = (ref: string): string => decodeURIComponent(ref.slice(LOCAL_REF.length));

// Until the end a reference carries its side, because only then it is known which names differ.
const refOf = (name: string, io: Io): string => `${io}:${COMPONENT_REF}${name}`;

function settleRef(ref: string, split: ReadonlySet<string>): string {
  if (!ref.startsWith("input:") && !ref.startsWith("output:")) return ref;
  const plain = ref.slice(ref.indexOf(":") + 1);
  return ref.startsWith("output:") && split.has(plain.slice(COMPONENT_REF.length)) ? `${plain}Output` : plain;
}

function toReferences(schema: JsonSchema, io: Io): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "$ref" && typeof value === "string" && value.startsWith(LOCAL_REF) ? refOf(nameOf(value), io) : value,
  ) as JsonSchema;
}

/**
 * Drops what says nothing: bounds of every JavaScript integer, and "other fields may be anything" beside named ones, which is the
 * default. Drops closed answers too, which would forbid us to add fields. Gives switches in a query their default back, which Zod leaves out
 * for what is read from text.
 */
function tidy(zodSchema: z.core.$ZodType, schema: JsonSchema, io: Io): void {
  const { def } = zodSchema._zod;
  if (io === "input" && schema["type"] === "boolean" && def.type === "default") schema["default"] = (def as z.core.$ZodDefaultDef).defaultValue;
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
  const others = schema["additionalProperties"];
  if (schema["properties"] !== undefined && others !== null && typeof others === "object" && Object.keys(others).length === 0) delete schema["additionalProperties"];
  if (io === "output" && schema["additionalProperties"] === false) delete schema["additionalProperties"];
}

/** JSON text with sorted keys, for comparing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
