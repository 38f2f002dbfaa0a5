import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOf, isInnerPath, isSkillName, packSkill, SKILL_BYTES_MAX, SKILL_FILES_MAX, skillDescription, type SkillFile } from "./skill-bundle";

/** A skill as a beat tells of it. Type alias, because the wire's types allow further keys. */
export type SkillWire = {
  readonly name: string;
  readonly description: string;
  readonly source: "machine";
  /** Missing of skills too large to travel. */
  readonly digest?: string;
  readonly size_bytes?: number;
};

const SKILLS_MAX = 200;
const DESCRIPTION_MAX = 300;
const LOOK_EVERY_MS = 30_000;
/** What is no part of a skill, however it came there. */
const IGNORED = new Set([".git", ".DS_Store", "node_modules"]);
const OLD = ".sett-old";
const NEW = ".sett-new";

interface Listed {
  readonly path: string;
  readonly size: number;
}

/** The skills of this machine: folders with a SKILL.md. What was read is kept until a file changes. */
export class SkillFolder {
  private readonly known = new Map<string, { readonly stamp: string; readonly skill: SkillWire }>();
  private lookedAt = Number.NEGATIVE_INFINITY;
  private last: readonly SkillWire[] = [];

  constructor(
    readonly path: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** The first 200 skills by name; looked at afresh twice a minute. */
  list(): readonly SkillWire[] {
    if (this.now() - this.lookedAt < LOOK_EVERY_MS) return this.last;
    this.lookedAt = this.now();
    this.last = this.names()
      .slice(0, SKILLS_MAX)
      .flatMap((name) => this.describe(name) ?? []);
    return this.last;
  }

  /** The content of a skill and its digest, or undefined when it is not here or too large to travel. */
  pack(name: string): { readonly content: Buffer<ArrayBuffer>; readonly digest: string } | undefined {
    if (!isSkillName(name) || !existsSync(join(this.path, name, "SKILL.md"))) return undefined;
    const files = this.files(name);
    if (files === undefined) return undefined;
    const content = packSkill(files.map((file): SkillFile => ({ path: file.path, bytes: readFileSync(join(this.path, name, file.path)) })));
    return content.byteLength > SKILL_BYTES_MAX ? undefined : { content, digest: digestOf(content) };
  }

  /** Puts a skill's files in place of what was there, all or nothing. Throws the fs error. */
  install(name: string, files: readonly SkillFile[]): void {
    const target = join(this.path, name);
    const fresh = join(this.path, `.${name}${NEW}`);
    const old = join(this.path, `.${name}${OLD}`);
    this.mend(name);
    rmSync(fresh, { recursive: true, force: true });
    for (const { path, bytes } of files) {
      // Checked where they were unpacked too; this is the place where it would hurt.
      if (!isInnerPath(path)) throw new Error("a path leaves the skill's folder");
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), bytes);
    }
    if (existsSync(target)) renameSync(target, old);
    try {
      renameSync(fresh, target);
    } catch (error) {
      this.mend(name);
      throw error;
    }
    rmSync(old, { recursive: true, force: true });
    this.lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** Whoever died between the two renames left the skill aside. */
  private mend(name: string): void {
    const old = join(this.path, `.${name}${OLD}`);
    if (!existsSync(old)) return;
    if (existsSync(join(this.path, name))) rmSync(old, { recursive: true, force: true });
    else renameSync(old, join(this.path, name));
  }

  private names(): string[] {
    try {
      for (const entry of readdirSync(this.path)) if (entry.startsWith(".") && entry.endsWith(OLD)) this.mend(entry.slice(1, -OLD.length));
      return readdirSync(this.path)
        .filter((name) => isSkillName(name) && existsSync(join(this.path, name, "SKILL.md")))
        .sort();
    } catch {
      return [];
    }
  }

  private describe(name: string): SkillWire | undefined {
    try {
      const stamp = this.stampOf(name);
      const before = this.known.get(name);
      if (before !== undefined && before.stamp === stamp) return before.skill;
      const packed = this.pack(name);
      const description = skillDescription(readFileSync(join(this.path, name, "SKILL.md"), "utf8")).slice(0, DESCRIPTION_MAX);
      const skill: SkillWire = { name, description, source: "machine", ...(packed === undefined ? {} : { digest: packed.digest, size_bytes: packed.content.byteLength }) };
      this.known.set(name, { stamp, skill });
      return skill;
    } catch {
      // It is being changed right now; the next look finds it.
      return undefined;
    }
  }

  private stampOf(name: string): string {
    return this.walk(name)
      .map(({ path, size }) => `${path}:${size}:${lstatSync(join(this.path, name, path)).mtimeMs}`)
      .join("|");
  }

  /** The files of a skill, or undefined when they are too many or too large. */
  private files(name: string): Listed[] | undefined {
    const files = this.walk(name);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    return files.length > SKILL_FILES_MAX || size > SKILL_BYTES_MAX ? undefined : files;
  }

  /** Plain files only: a link could name any file of this machine. Stops soon after there are too many. */
  private walk(name: string): Listed[] {
    const found: Listed[] = [];
    const visit = (inner: string): void => {
      for (const entry of readdirSync(join(this.path, name, inner), { withFileTypes: true })) {
        if (IGNORED.has(entry.name) || found.length > SKILL_FILES_MAX) continue;
        const path = inner === "" ? entry.name : `${inner}/${entry.name}`;
        if (entry.isDirectory()) visit(path);
        else if (entry.isFile() && isInnerPath(path)) found.push({ path, size: lstatSync(join(this.path, name, path)).size });
      }
    };
    visit("");
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}
