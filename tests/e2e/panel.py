#!/usr/bin/python3
"""A desktop's panel for tests: owns org.kde.StatusNotifierWatcher, and reads and clicks the menus of what registers; owns
org.freedesktop.Notifications, and answers what is notified; owns org.freedesktop.FileManager1, and says what it was shown.

One JSON answer per line on stdout for each line on stdin:
  items             -> ["<bus name>/<path>", ...]
  properties        -> {"Title": ..., "Status": ..., ...} of the first item
  menu              -> [{"id": n, "label": s, "enabled": b, "type": s, "children": [...]}, ...]
  click ID          -> true, once the item took the event
  notices           -> [{"id": n, "title": s, "body": s, "actions": {key: label}, "open": b}, ...]
  act ID KEY        -> true, once the action was told
  revealed          -> ["file:///...", ...], what the file manager was asked to point at
"""
import json
import sys
import threading

from gi.repository import Gio, GLib

WATCHER = """<node><interface name='org.kde.StatusNotifierWatcher'>
<method name='RegisterStatusNotifierItem'><arg type='s' direction='in'/></method>
<method name='RegisterStatusNotifierHost'><arg type='s' direction='in'/></method>
<property name='RegisteredStatusNotifierItems' type='as' access='read'/>
<property name='IsStatusNotifierHostRegistered' type='b' access='read'/>
<property name='ProtocolVersion' type='i' access='read'/>
<signal name='StatusNotifierItemRegistered'><arg type='s'/></signal>
<signal name='StatusNotifierItemUnregistered'><arg type='s'/></signal>
<signal name='StatusNotifierHostRegistered'/></interface></node>"""
PATH, ITEM, MENU = "/StatusNotifierWatcher", "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"

NOTIFICATIONS = """<node><interface name='org.freedesktop.Notifications'>
<method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' direction='in'/><arg type='a{sv}' direction='in'/>
<arg type='i' direction='in'/><arg type='u' direction='out'/></method>
<method name='CloseNotification'><arg type='u' direction='in'/></method>
<method name='GetCapabilities'><arg type='as' direction='out'/></method>
<method name='GetServerInformation'><arg type='s' direction='out'/><arg type='s' direction='out'/><arg type='s' direction='out'/>
<arg type='s' direction='out'/></method>
<signal name='ActionInvoked'><arg type='u'/><arg type='s'/></signal>
<signal name='NotificationClosed'><arg type='u'/><arg type='u'/></signal></interface></node>"""
DESK, DESK_PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"

FILES = """<node><interface name='org.freedesktop.FileManager1'>
<method name='ShowItems'><arg type='as' direction='in'/><arg type='s' direction='in'/></method></interface></node>"""
MANAGER, MANAGER_PATH = "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"

items = []
shown = []
revealed = []
bus = None


def method(conn, sender, path, iface, name, params, invocation):
    if name == "RegisterStatusNotifierItem":
        given = params.unpack()[0]
        item = sender + given if given.startswith("/") else given + "/StatusNotifierItem"
        items.append(item)
        conn.emit_signal(None, path, iface, "StatusNotifierItemRegistered", GLib.Variant("(s)", (item,)))
        Gio.bus_watch_name_on_connection(conn, item.split("/")[0], 0, None, lambda c, n: gone(n))
    invocation.return_value(None)


def gone(name):
    for item in [item for item in items if item.startswith(name + "/")]:
        items.remove(item)
        bus.emit_signal(None, PATH, "org.kde.StatusNotifierWatcher", "StatusNotifierItemUnregistered",
                        GLib.Variant("(s)", (item,)))


def notified(conn, sender, path, iface, name, params, invocation):
    if name == "Notify":
        _app, _replaces, _icon, title, body, actions, _hints, _timeout = params.unpack()
        shown.append({"id": len(shown) + 1, "title": title, "body": body,
                      "actions": dict(zip(actions[::2], actions[1::2])), "open": True})
        return invocation.return_value(GLib.Variant("(u)", (len(shown),)))
    if name == "GetCapabilities":
        return invocation.return_value(GLib.Variant("(as)", (["actions", "body"],)))
    if name == "GetServerInformation":
        return invocation.return_value(GLib.Variant("(ssss)", ("panel", "tests", "1", "1.2")))
    close(params.unpack()[0], 3)
    invocation.return_value(None)


def close(number, reason):
    shown[number - 1]["open"] = False
    bus.emit_signal(None, DESK_PATH, DESK, "NotificationClosed", GLib.Variant("(uu)", (number, reason)))


def act(number, key):
    bus.emit_signal(None, DESK_PATH, DESK, "ActionInvoked", GLib.Variant("(us)", (int(number), key)))
    close(int(number), 2)
    return True


def show_items(conn, sender, path, iface, name, params, invocation):
    revealed.extend(params.unpack()[0])
    invocation.return_value(None)


def read(conn, sender, path, iface, name):
    return {"RegisteredStatusNotifierItems": GLib.Variant("as", items),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
            "ProtocolVersion": GLib.Variant("i", 0)}[name]


def acquired(conn, _name):
    global bus
    bus = conn
    conn.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(WATCHER).interfaces[0], method, read, None)
    conn.register_object(DESK_PATH, Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS).interfaces[0], notified, None, None)
    conn.register_object(MANAGER_PATH, Gio.DBusNodeInfo.new_for_xml(FILES).interfaces[0], show_items, None, None)
    Gio.bus_own_name_on_connection(conn, MANAGER, 0, None, lambda c, n: loop.quit())


def call(path, iface, name, params):
    destination = items[0].split("/")[0]
    return bus.call_sync(destination, path, iface, name, params, None, Gio.DBusCallFlags.NONE, 5000, None).unpack()


def properties():
    path = "/" + items[0].split("/", 1)[1]
    found = call(path, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (ITEM,)))[0]
    plain = {name: value for name, value in found.items() if isinstance(value, str)}
    plain["pixels"] = sum(len(pixmap[2]) for pixmap in found.get("IconPixmap", []))
    return plain


def menu():
    path = properties()["Menu"]
    _revision, (_id, _properties, children) = call(path, MENU, "GetLayout", GLib.Variant("(iias)", (0, -1, [])))
    return [line(child) for child in children]


def line(node):
    number, properties, children = node
    return {"id": number, "label": properties.get("label", "").replace("__", "_"),
            "enabled": properties.get("enabled", True), "type": properties.get("type", "standard"),
            "children": [line(child) for child in children]}


def click(number):
    event = GLib.Variant("(isvu)", (int(number), "clicked", GLib.Variant("i", 0), 0))
    call(properties()["Menu"], MENU, "Event", event)
    return True


def answer(words):
    try:
        result = {"items": lambda: items, "properties": properties, "menu": menu, "click": click,
                  "notices": lambda: shown, "act": act, "revealed": lambda: revealed}[words[0]](*words[1:])
    except (GLib.Error, IndexError, KeyError) as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
    return False


def listen():
    for command in sys.stdin:
        GLib.idle_add(answer, command.split())
    GLib.idle_add(loop.quit)


loop = GLib.MainLoop()
Gio.bus_own_name(Gio.BusType.SESSION, "org.kde.StatusNotifierWatcher", 0, acquired,
                 lambda c, n: Gio.bus_own_name_on_connection(
                     c, DESK, 0, lambda c, n: print(json.dumps("ready"), flush=True), lambda c, n: loop.quit()),
                 lambda c, n: loop.quit())
threading.Thread(target=listen, daemon=True).start()
loop.run()
