/** Whether keys are told with Cmd. */
export const isMac = navigator.platform.startsWith("Mac");

/** Whether the system tells which user a connection to a port comes from, so that a proxy needs no password. */
export const isLinux = navigator.platform.startsWith("Linux");
