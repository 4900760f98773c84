import { beforeEach, describe, expect, it } from "vitest";
import { type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { usePreferences } from "./preferences";
import { useToasts } from "./toasts";

let memory: MemoryBackend;
beforeEach(async () => {
  memory = provideMemoryBackend();
  await usePreferences.getState().load();
});

describe("preferences", () => {
  it("set the theme as tokens.css expects it, and leave it to the system otherwise", async () => {
    await usePreferences.getState().set({ theme: "contrast" });
    expect(document.documentElement.dataset.theme).toBe("contrast");
    await usePreferences.getState().set({ theme: "system" });
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });

  it("say the language on the document, which picks the face", async () => {
    await usePreferences.getState().set({ language: "ko" });
    expect(document.documentElement.lang).toBe("ko");
    expect(memory.saved.language).toBe("ko");
    await usePreferences.getState().set({ language: "en" });
  });

  it("return to the old value and say why when they cannot be saved", async () => {
    memory.preferences.save = () => Promise.reject(new Error("disk full"));
    await usePreferences.getState().set({ theme: "dark" });
    expect(usePreferences.getState().theme).toBe("system");
    const toast = useToasts.getState().list.at(-1);
    expect(toast?.kind === "failure" && toast.failure.params.detail).toBe("disk full");
  });
});
