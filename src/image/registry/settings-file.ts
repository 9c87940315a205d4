import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { didYouMean } from '../../lib/nearest.ts';
import { TsstackError } from '../../model/error.ts';

/** What the settings file says of one registry; paths are absolute. */
export interface WrittenSettings {
  /** true: plain HTTP, false: TLS even on this machine. */
  readonly http?: boolean;
  /** false: any certificate will do. */
  readonly verify?: boolean;
  readonly ca: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  /** `HOST[:PORT]`, or an origin with `http://` or `https://`, in the order in which they are asked. */
  readonly mirrors: readonly string[];
  /** `FILE:LINE`, for warnings. */
  readonly place: string;
}

export const SETTINGS_FILE = '/etc/tsstack/registries.yaml';

const KEYS = ['http', 'verify', 'ca', 'cert', 'key', 'mirrors'] as const;
const SIZE = 1024 * 1024;
const HOST = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?$/;

/**
 * Settings by the name of the registry, as it stands in references. Throws `registry-settings` with file and line.
 * `required`: the file was named by the user, so that it must be there.
 */
export function readSettings(path: string, required: boolean): ReadonlyMap<string, WrittenSettings> {
  const text = readText(path, required);
  return text === undefined ? new Map() : new SettingsReader(path, text).read();
}

function readText(path: string, required: boolean): string | undefined {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > SIZE) throw settingsInvalid(`${path} is larger than 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return undefined;
    if (error instanceof TsstackError) throw error;
    const reason = error instanceof TypeError ? 'it is not UTF-8 text' : (code ?? 'unknown error');
    throw settingsInvalid(`Cannot read the settings of registries, ${path}: ${reason}`);
  }
}

export function settingsInvalid(message: string, hint?: string): TsstackError {
  return new TsstackError('registry-settings', message, { hint });
}

class SettingsReader {
  readonly #path: string;
  readonly #text: string;
  readonly #lines = new LineCounter();

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  read(): ReadonlyMap<string, WrittenSettings> {
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) throw settingsInvalid(`${this.#placeAt(error.pos[0])}: ${error.message}`);
    const settings = new Map<string, WrittenSettings>();
    if (document.contents === null) return settings;
    for (const top of this.#pairs(document.contents, 'the file')) {
      this.#checkKey(top, ['registries']);
      for (const pair of this.#pairs(top.value, 'registries')) {
        const name = String(pair.key);
        if (!HOST.test(name)) {
          throw this.#invalid(pair.key, `${JSON.stringify(name)} is not HOST or HOST:PORT, as in image references`);
        }
        settings.set(name, this.#registry(pair));
      }
    }
    return settings;
  }

  #registry({ key, value }: Pair<Node, Node | null>): WrittenSettings {
    const written = new Map<string, Node | null>();
    for (const pair of this.#pairs(value, String(key))) {
      this.#checkKey(pair, KEYS);
      written.set(String(pair.key), pair.value);
    }
    const http = this.#flag(written.get('http'), 'http');
    const verify = this.#flag(written.get('verify'), 'verify');
    const [cert, secretKey] = ['cert', 'key'].map((name) => this.#paths(written.get(name), name)[0]);
    if ((cert === undefined) !== (secretKey === undefined)) throw this.#invalid(key, 'cert and key need each other');
    if (http === true && KEYS.slice(1, 5).some((name) => written.has(name))) {
      throw this.#invalid(key, 'http: true excludes verify, ca, cert and key, which are settings of TLS');
    }
    return {
      ...(http !== undefined && { http }),
      ...(verify !== undefined && { verify }),
      ...(cert !== undefined && secretKey !== undefined && { cert, key: secretKey }),
      ca: this.#paths(written.get('ca'), 'ca'),
      mirrors: this.#texts(written.get('mirrors'), 'mirrors').map(({ text, node }) => {
        if (HOST.test(text.replace(/^https?:\/\//, ''))) return text;
        throw this.#invalid(node, `the mirror ${JSON.stringify(text)} is not [http[s]://]HOST[:PORT]`);
      }),
      place: this.#place(key),
    };
  }

  #pairs(node: Node | null | undefined, what: string): readonly Pair<Node, Node | null>[] {
    if (!isMap(node)) throw this.#invalid(node, `${what} must be a mapping`);
    return (node as YAMLMap<Node, Node | null>).items;
  }

  #checkKey({ key }: Pair<Node, Node | null>, known: readonly string[]): void {
    if (known.includes(String(key))) return;
    const hint = didYouMean(String(key), known) ?? `Its keys are ${known.join(', ')}.`;
    throw this.#invalid(key, `unknown key ${JSON.stringify(String(key))}`, hint);
  }

  #flag(node: Node | null | undefined, what: string): boolean | undefined {
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    throw this.#invalid(node, `${what} must be true or false`);
  }

  #paths(node: Node | null | undefined, what: string): readonly string[] {
    return this.#texts(node, what).map(({ text }) => resolve(dirname(this.#path), text));
  }

  /** One text, or a list of them. */
  #texts(node: Node | null | undefined, what: string): readonly { text: string; node: Node }[] {
    if (node === undefined) return [];
    const items: readonly unknown[] = isSeq(node) ? node.items : [node];
    return items.map((item) => {
      if (!isScalar(item) || typeof item.value !== 'string' || item.value === '') {
        throw this.#invalid(node, `${what} must be a text or a list of texts`);
      }
      return { text: item.value, node: item };
    });
  }

  #invalid(node: Node | null | undefined, message: string, hint?: string): TsstackError {
    return settingsInvalid(`${this.#place(node)}: ${message}`, hint);
  }

  #place(node: Node | null | undefined): string {
    return this.#placeAt(node?.range?.[0] ?? 0);
  }

  #placeAt(offset: number): string {
    return `${this.#path}:${this.#lines.linePos(offset).line}`;
  }
}
