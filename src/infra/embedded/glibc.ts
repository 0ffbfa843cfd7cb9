/**
 * Lets the embedded MongoDB engine load on Debian 12.
 *
 * Its binaries ask for symbol version GLIBC_2.38, but only for `fmod` and the `__isoc23_*` twins of `strtol` and
 * friends, which every older glibc has under an older version or the plain name. So we keep copies of the two
 * files in a cache folder in which those references point to what is there. node_modules is never touched, and
 * where glibc is new enough nothing happens at all. Below 2.36 a real function (`arc4random`) is missing.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const needed = { major: 2, minor: 38 };
const tooNew = ['GLIBC_2.37', 'GLIBC_2.38'];
/** Per ELF machine number, the version that the architecture's first glibc gave its symbols: x86-64 and arm64. */
const baseVersions: Record<number, string> = { 62: 'GLIBC_2.2.5', 183: 'GLIBC_2.17' };
const renamedPrefix = '__isoc23_';

const sectionTypes = { dynsym: 11, versionNeeds: 0x6ffffffe, versionIndexes: 0x6fffffff };

/** The C library's version, such as '2.36'; undefined where there is no glibc (macOS, Alpine). */
export function runtimeGlibc(): string | undefined {
  // Without this the report looks up the names of all peers, which can take seconds.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime;
}

/** Does this glibc need patched copies? */
export function isOlderGlibc(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return version !== undefined && major === needed.major && minor < needed.minor;
}

/** Points an ELF file's references to GLIBC_2.37/2.38 at the base version, in place. Returns how many symbols moved. */
export function patchElf(elf: Buffer): number {
  const sections = readSections(elf);
  const find = (type: number) => {
    const section = sections.find((candidate) => candidate.type === type);
    if (!section) throw new Error(`not a dynamically linked 64-bit ELF file: no section of type ${type}`);
    return section;
  };
  const symbols = find(sectionTypes.dynsym);
  const indexes = find(sectionTypes.versionIndexes);
  const strings = sections[symbols.link];
  if (!strings) throw new Error('the symbol table names no string table');
  const nameAt = (offset: number) => {
    const start = strings.offset + offset;
    return elf.toString('latin1', start, elf.indexOf(0, start));
  };

  const baseIndexOf = redirectVersions(elf, find(sectionTypes.versionNeeds).offset, nameAt);
  let moved = 0;
  for (let i = 0; i < symbols.size / 24; i++) {
    const indexAt = indexes.offset + i * 2;
    const baseIndex = baseIndexOf.get(elf.readUInt16LE(indexAt));
    if (baseIndex === undefined) continue;
    elf.writeUInt16LE(baseIndex, indexAt);
    const nameOffsetAt = symbols.offset + i * 24;
    const nameOffset = elf.readUInt32LE(nameOffsetAt);
    // A name is any tail of a string, so skipping the prefix turns __isoc23_strtol into strtol.
    if (nameAt(nameOffset).startsWith(renamedPrefix)) {
      elf.writeUInt32LE(nameOffset + renamedPrefix.length, nameOffsetAt);
    }
    moved++;
  }
  return moved;
}

/** Rewrites the list of needed versions and returns, per too new version index, the index to use instead. */
function redirectVersions(elf: Buffer, needsOffset: number, nameAt: (offset: number) => string) {
  const baseVersion = baseVersions[elf.readUInt16LE(0x12)];
  const baseIndexOf = new Map<number, number>();
  for (const entries of readVersionNeeds(elf, needsOffset)) {
    const base = entries.find((at) => nameAt(elf.readUInt32LE(at + 8)) === baseVersion);
    for (const at of entries) {
      if (!tooNew.includes(nameAt(elf.readUInt32LE(at + 8)))) continue;
      if (base === undefined) throw new Error('a library is needed in a too new version only');
      baseIndexOf.set(elf.readUInt16LE(at + 6), elf.readUInt16LE(base + 6));
      elf.copy(elf, at, base, base + 4); // hash of the version's name
      elf.copy(elf, at + 8, base + 8, base + 12); // offset of the version's name
    }
  }
  return baseIndexOf;
}

/** Per needed library, the file offsets of its version entries (Elf64_Vernaux). */
function* readVersionNeeds(elf: Buffer, firstLibrary: number): Generator<number[]> {
  for (let library = firstLibrary, next = -1; next !== 0; library += next) {
    const entries: number[] = [];
    let at = library + elf.readUInt32LE(library + 8);
    for (let left = elf.readUInt16LE(library + 2); left > 0; left--) {
      entries.push(at);
      at += elf.readUInt32LE(at + 12);
    }
    yield entries;
    next = elf.readUInt32LE(library + 12);
  }
}

function readSections(elf: Buffer) {
  const start = Number(elf.readBigUInt64LE(0x28));
  const entrySize = elf.readUInt16LE(0x3a);
  return Array.from({ length: elf.readUInt16LE(0x3c) }, (_, i) => {
    const at = start + i * entrySize;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
    };
  });
}

/**
 * Path of a copy of `nativeFile` that loads on an older glibc, its shared libraries beside it. Made once per version
 * of the package under `cacheDir`. Two processes may do this at once: the folder appears complete, by a rename.
 */
export async function patchedCopy(
  nativeFile: string,
  cacheDir: string,
): Promise<{ path: string; made: boolean }> {
  const sourceDir = dirname(nativeFile);
  const files = (await readdir(sourceDir)).filter((name) => /\.(node|so)$/.test(name)).sort();
  const target = join(cacheDir, `embedded-mongodb-${await fingerprint(sourceDir, files)}`);
  const path = join(target, basename(nativeFile));
  if (await exists(path)) return { path, made: false };

  await mkdir(cacheDir, { recursive: true });
  const draft = await mkdtemp(join(cacheDir, '.draft-'));
  try {
    for (const name of files) {
      const elf = await readFile(join(sourceDir, name));
      patchElf(elf);
      await writeFile(join(draft, name), elf);
    }
    await chmod(draft, 0o755);
    await rename(draft, target);
    return { path, made: true };
  } catch (err) {
    // Another process was first: its copy is as good as ours.
    if (await exists(path)) return { path, made: false };
    throw err;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Changes when the package does; cheap, because it is computed at every start. */
async function fingerprint(dir: string, files: string[]): Promise<string> {
  const hash = createHash('sha256').update(await readFile(join(dir, 'package.json')));
  for (const name of files) hash.update(`${name}:${(await stat(join(dir, name))).size}\n`);
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
