// The real window: Tauri's backend, then the app.
import "./styles/index.css";
import { startApp } from "./app/start";
import { provideBackend } from "./ipc/backend";
import { tauriBackend } from "./ipc/tauri-backend";

provideBackend(tauriBackend);
void startApp();
