// How each result is sorted and filtered now. Kept outside the components: going to another result, tab or view and back
// must not sort ten million rows again.
import { create } from "zustand";
import { asFailure, backend } from "../../../ipc/backend";
import type { View } from "../../../ipc/contract";
import { useToasts } from "../../../lib/state/toasts";
import { followed, newTask, type Progress, stopTask } from "./tasks";
import { asTheyCame, isPlain, type ViewSpec } from "./view-spec";

export interface ResultView {
  /** What the rows on the screen are. */
  spec: ViewSpec;
  view: View | null;
  /** What is being made, and how far it is. The rows on the screen stay until it is there. */
  making: { spec: ViewSpec; task: string; progress: Progress | null } | null;
}

interface Views {
  of: Record<string, ResultView>;
  apply: (result: string, spec: ViewSpec) => Promise<void>;
  stop: (result: string) => void;
}

const plain: ResultView = { spec: asTheyCame, view: null, making: null };
const KEPT = 60;

export const useViews = create<Views>((set, get) => {
  const now = (result: string) => get().of[result] ?? plain;
  const change = (result: string, patch: Partial<ResultView>) =>
    set(({ of }) => ({ of: newest({ ...of, [result]: { ...(of[result] ?? plain), ...patch } }) }));
  const close = (view: View | null) => {
    // One that has gone with its result already is as good as closed.
    if (view)
      backend()
        .call("result_view_close", view.id)
        .catch(() => {});
  };

  return {
    of: {},

    apply: async (result, spec) => {
      const before = now(result);
      if (before.making) void stopTask(before.making.task).catch(() => {});
      if (isPlain(spec)) {
        change(result, { spec, view: null, making: null });
        close(before.view);
        return;
      }
      const task = newTask("view");
      change(result, { making: { spec, task, progress: null } });
      const mine = () => now(result).making?.task === task;
      try {
        const view = await followed(
          task,
          (progress) => mine() && change(result, { making: { spec, task, progress } }),
          () => backend().call("result_view", { result, task, ...spec }),
        );
        if (!mine()) return close(view);
        const old = now(result).view;
        change(result, { spec, view, making: null });
        close(old);
      } catch (reason) {
        if (!mine()) return;
        change(result, { making: null });
        useToasts.getState().fail(asFailure(reason));
      }
    },

    stop: (result) => {
      const { making } = now(result);
      if (!making) return;
      change(result, { making: null });
      stopTask(making.task).catch((reason) => useToasts.getState().fail(asFailure(reason)));
    },
  };
});

export function useView(result: string): ResultView {
  return useViews((state) => state.of[result]) ?? plain;
}

function newest(of: Record<string, ResultView>): Record<string, ResultView> {
  const all = Object.entries(of);
  return all.length <= KEPT ? of : Object.fromEntries(all.slice(all.length - KEPT));
}
