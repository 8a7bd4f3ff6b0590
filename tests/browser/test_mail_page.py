"""The HTML form of a mail in a real browser: even what the cleaning might miss one day runs nothing, loads nothing and knows nothing."""

import base64
from urllib.parse import parse_qs, urlsplit

from kit.mongo import Mongo
from services.intake.mail.html_form import page as page_of
from services.intake.mail.letter import Enclosed
from services.intake.mail.pictures import embedded
from services.intake.storage import CONVERSATIONS, SUBMISSIONS
from services.intake.storing import FileStore
from tests.browser.conftest import MakeVisitor
from tests.browser.visiting import ask, picture
from tests.support.intake_running import RunningIntake

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
UNCLEANED = """
<h1>Bảng kê</h1><table border="1"><tr><td>Tờ khai</td><td>105</td></tr></table>
<script>document.title = "ran"; fetch("/readyz?script")</script>
<img src="/readyz?picture" onerror="document.title = 'ran'"><img src="cid:anh1" alt="ảnh chụp"><img src="cid:anh2" alt="con dấu">
<link rel="stylesheet" href="/readyz?sheet"><iframe src="/readyz?frame"></iframe><object data="/readyz?object"></object>
<style>@import "/readyz?import"; h1 { background: url(/readyz?background) }</style>
<form action="/readyz?form" method="post"><button>Gửi</button></form>
<a href="javascript:document.title = 'ran'">bấm</a>
"""


async def kept(intake: RunningIntake, address: str) -> str:
    """The page's address; stored as the HTML form of the request's mail, though nobody cleaned it."""
    mongo = Mongo(intake.settings.mongodb_uri.get_secret_value())
    database = mongo.database(f"{intake.settings.mongodb_database_prefix}_intake")
    row = await database[CONVERSATIONS.name].find_one({"reference": urlsplit(address).path.rsplit("/", 1)[1]})
    assert row is not None
    files = [Enclosed("dau.gif", GIF, content_type="image/gif", content_id="anh2")]
    made = await FileStore(database).keep_made("thu.html", "text/html", page_of(embedded(UNCLEANED, files), "Thư"))
    await database[SUBMISSIONS.name].update_one({"ticket_id": row["_id"]}, {"$push": {"files": made.id}, "$set": {"html": made.id}})
    await mongo.close()
    return f"{intake.url}/files/{made.id}?k={parse_qs(urlsplit(address).query)['k'][0]}"


async def test_opened_by_itself_it_is_readable_and_can_do_nothing(visitor: MakeVisitor, intake: RunningIntake) -> None:
    page = await visitor("vi")
    address = await kept(intake, await ask(page))
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))  # what the policy blocks is a request to Chromium, never sent
    await page.goto(address)
    assert await page.inner_text("td >> nth=1") == "105"
    assert await page.evaluate("[...document.images].map(each => each.naturalWidth)") == [0, 1]
    assert "ảnh chụp" in await page.inner_text("body")
    await picture(page, "mail-page")
    await page.click("button")
    await page.click("a")
    await page.wait_for_timeout(200)
    assert await page.title() == "Thư"
    assert page.url == address
    assert answered == [address]
    assert await page.evaluate("self.origin") == "null"
