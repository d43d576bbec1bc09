"""A real browser: the pages and the loginbar as people meet them, with scripts and without, by keys alone and by axe.

Usage: check.py GATEWAY AXE_JS [--screenshots DIR], the gateway's program, axe-core's axe.min.js, and a folder for a
picture of every page. Needs playwright and /usr/bin/chromium.
"""

import argparse
import time

from playwright.sync_api import sync_playwright

import accessibility
import embedding
import keyboard
import story
from surroundings import surroundings

arguments = argparse.ArgumentParser()
arguments.add_argument("gateway")
arguments.add_argument("axe")
arguments.add_argument("--screenshots")
asked = arguments.parse_args()
begun = time.monotonic()
with sync_playwright() as playwright, surroundings(asked.gateway) as (gateway, portal, unlisted):
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    embedding.check(gateway, portal, unlisted, browser)
    story.check(gateway, portal, browser)
    keyboard.check(gateway, portal, browser)
    accessibility.check(gateway, portal, browser, asked.axe, asked.screenshots)
    browser.close()
print(f"browser: fine, in {time.monotonic() - begun:.0f} s")
