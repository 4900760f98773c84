#!/usr/bin/python3
"""A desktop's panel for tests: owns org.kde.StatusNotifierWatcher, and reads and clicks the menus of what registers.

One JSON answer per line on stdout for each line on stdin:
  items             -> ["<bus name>/<path>", ...]
  properties        -> {"Title": ..., "Status": ..., ...} of the first item
  menu              -> [{"id": n, "label": s, "enabled": b, "type": s, "children": [...]}, ...]
  click ID          -> true, once the item took the event
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

items = []
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


def read(conn, sender, path, iface, name):
    return {"RegisteredStatusNotifierItems": GLib.Variant("as", items),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
            "ProtocolVersion": GLib.Variant("i", 0)}[name]


def acquired(conn, _name):
    global bus
    bus = conn
    conn.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(WATCHER).interfaces[0], method, read, None)


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
        result = {"items": lambda: items, "properties": properties, "menu": menu, "click": click}[words[0]](*words[1:])
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
                 lambda c, n: print(json.dumps("ready"), flush=True), lambda c, n: loop.quit())
threading.Thread(target=listen, daemon=True).start()
loop.run()
