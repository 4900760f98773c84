/** Whether keys are told with Cmd. */
export const isMac = navigator.platform.startsWith("Mac");
