/** Where the bundle comes from: a file that is chosen, one that is dropped, or a text. The last one counts. */
import { InputError } from "../../src/core/errors.ts";
import { complain, part } from "./dom.ts";
import { requireBundleSize, sizeText } from "./request.ts";

/** Makes the fields for the bundle work; what it returns reads the bytes, and throws InputError when there are none. */
export function startSource(): () => Promise<Uint8Array> {
  const file = part("file", HTMLInputElement);
  const text = part("text", HTMLTextAreaElement);
  let source: Blob | null = null;
  const take = (blob: Blob, name: string): void => {
    source = blob;
    part("source").textContent = `${name}, ${sizeText(blob.size)}.`;
    complain("bundle", sentenceAbout(blob));
  };
  const forget = (): void => {
    source = null;
    part("source").textContent = "";
    complain("bundle", "");
  };
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return forget();
    text.value = "";
    take(chosen, chosen.name);
  });
  text.addEventListener("input", () => {
    file.value = "";
    const pasted = text.value.trim();
    if (pasted === "") forget();
    else take(new Blob([pasted]), "Pasted text");
  });
  acceptDrops((files) => {
    const [dropped] = files;
    if (dropped === undefined || files.length > 1) return complain("bundle", "Drop one file, the bundle.");
    file.value = "";
    text.value = "";
    take(dropped, dropped.name);
  });
  return async () => {
    requireBundleSize(source?.size ?? 0);
    try {
      return new Uint8Array(await (source ?? new Blob()).arrayBuffer());
    } catch (error) {
      throw new InputError(`The file cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  };
}

/** Files may be dropped anywhere: beside the form the browser would leave the page and show the file instead. */
function acceptDrops(take: (files: readonly File[]) => void): void {
  const mark = (isOver: boolean): void => {
    document.body.classList.toggle("over", isOver);
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", () => mark(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}

function sentenceAbout(blob: Blob): string {
  try {
    requireBundleSize(blob.size);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}
