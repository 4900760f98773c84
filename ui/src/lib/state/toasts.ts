// Short news that belong to no view. Good news leave by themselves; failures stay until closed.
import { create } from "zustand";
import type { Failure } from "../../ipc/contract";

export interface ToastAction {
  label: string;
  run: () => void;
}

export type Toast = { id: number; action?: ToastAction } & (
  | { kind: "news"; text: string }
  | { kind: "failure"; failure: Failure }
);

interface Toasts {
  list: Toast[];
  tell: (text: string) => void;
  fail: (failure: Failure, action?: ToastAction) => void;
  close: (id: number) => void;
}

let next = 1;

export const useToasts = create<Toasts>((set) => ({
  list: [],
  tell: (text) => set(({ list }) => ({ list: [...list, { id: next++, kind: "news", text }] })),
  fail: (failure, action) => {
    if (failure.code === "canceled") return;
    set(({ list }) => ({ list: [...list, { id: next++, kind: "failure", failure, action }] }));
  },
  close: (id) => set(({ list }) => ({ list: list.filter((toast) => toast.id !== id) })),
}));
