"""What the pages say, in Vietnamese and English side by side, so that neither can be forgotten."""

from collections.abc import Mapping
from typing import Final

from schemas.values import Language


def text(language: Language, key: str, **params: object) -> str:
    """The text of `key`; `params` fill its braces. An unknown key is a KeyError: a template's mistake."""
    vi, en = TEXTS[key]
    return (en if language == "en" else vi).format(**params)


TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    # Every page
    "service": ("Hỗ trợ vướng mắc doanh nghiệp", "Help for businesses"),
    "skip": ("Chuyển đến nội dung chính", "Skip to main content"),
    "switch": ("English", "Tiếng Việt"),
    "title_error": ("Lỗi: ", "Error: "),
    "summary_title": ("Có nội dung cần kiểm tra lại", "There is a problem"),
    "error_hidden": ("Lỗi:", "Error:"),
    "optional": ("không bắt buộc", "optional"),
    "footer": (
        "Trang này không dùng mã lệnh, không theo dõi và không gửi dữ liệu cho bên thứ ba.",
        "This page runs no scripts, tracks nobody and sends nothing to third parties.",
    ),
    "home": ("Gửi yêu cầu mới", "Send a new request"),
    # Form
    "form_title": ("Gửi vướng mắc của doanh nghiệp", "Tell us about your difficulty"),
    "form_lead": (
        "Yêu cầu được chuyển đến đúng đơn vị phụ trách. Quý doanh nghiệp sẽ nhận được mã tra cứu và thời hạn trả lời.",
        "Your request goes to the group in charge. You will get a reference and the date by which you will be answered.",
    ),
    "form_required": (
        "Vui lòng điền mọi mục không ghi “không bắt buộc”; thư điện tử và số điện thoại chỉ cần một.",
        "Fill in everything that is not marked “optional”; of email and telephone, one is enough.",
    ),
    "part_difficulty": ("Nội dung vướng mắc", "Your difficulty"),
    "part_business": ("Doanh nghiệp", "Your business"),
    "part_contact": ("Người liên hệ", "Who to answer"),
    "topic": ("Lĩnh vực", "Topic"),
    "topic_choose": ("Chọn lĩnh vực", "Choose a topic"),
    "unit": ("Đơn vị nơi phát sinh vướng mắc", "Office concerned"),
    "unit_hint": (
        "Nếu chưa rõ, chúng tôi sẽ chuyển đến đúng đơn vị.",
        "If you do not know, we will find the right one.",
    ),
    "unit_unknown": ("Chưa rõ", "I don’t know"),
    "subject": ("Tiêu đề", "Subject"),
    "subject_hint": (
        "Nếu để trống, dòng đầu tiên của nội dung sẽ là tiêu đề.",
        "If you leave this empty, the first line of the text is used.",
    ),
    "text": ("Nội dung", "What is the difficulty?"),
    "text_hint": (
        "Nêu rõ sự việc, số tờ khai, ngày đăng ký và điều Quý doanh nghiệp cần được giải đáp. Tối đa {longest} ký tự.",
        "Say what happened, give declaration numbers and dates, and what you need answered. Up to {longest} characters.",
    ),
    "files": ("Tệp đính kèm", "Files"),
    "files_hint": (
        "Tối đa {files} tệp, mỗi tệp {file} MB, tổng cộng {total} MB. Có thể gửi PDF, ảnh, Word, Excel, ZIP; không nhận tệp chương trình.",
        "Up to {files} files of {file} MB each, {total} MB together: PDF, pictures, Word, Excel, ZIP, but no programs.",
    ),
    "files_again": (
        "Trình duyệt không giữ lại các tệp đã chọn: nếu có tệp đính kèm, vui lòng chọn lại.",
        "Your browser does not keep chosen files: if you attached any, choose them again.",
    ),
    "business_name": ("Tên doanh nghiệp", "Name of the business"),
    "tax_code": ("Mã số thuế", "Tax code"),
    "tax_code_hint": (
        "10 chữ số, hoặc thêm 3 chữ số của đơn vị phụ thuộc, ví dụ 0101234567-001.",
        "10 digits, or with the 3 digits of a dependent unit, like 0101234567-001.",
    ),
    "contact_hint": (
        "Vui lòng cho biết ít nhất địa chỉ thư điện tử hoặc số điện thoại.",
        "Give an email address or a telephone number, or both.",
    ),
    "contact_name": ("Họ và tên", "Your name"),
    "email": ("Thư điện tử", "Email address"),
    "email_hint": (
        "Nên có: câu trả lời được gửi đến địa chỉ này.",
        "Best for a quick answer: it is sent to this address.",
    ),
    "phone": ("Số điện thoại", "Telephone number"),
    "phone_hint": (
        "Ví dụ 0912 345 678; số ở nước ngoài bắt đầu bằng dấu +.",
        "Like 0912 345 678; numbers outside Viet Nam start with +.",
    ),
    "trap": ("Vui lòng để trống ô này", "Leave this empty"),
    "send": ("Gửi yêu cầu", "Send the request"),
    "send_once": (
        "Bấm nhiều lần cũng chỉ tạo một yêu cầu.",
        "Pressing it twice still makes one request.",
    ),
    # Confirmation
    "received_title": ("Đã nhận được yêu cầu", "We have your request"),
    "received_reference": ("Mã tra cứu", "Your reference"),
    "received_next": ("Các bước tiếp theo", "What happens next"),
    "received_step_stored": (
        "Yêu cầu đã được lưu an toàn và đang được chuyển đến đơn vị phụ trách.",
        "Your request is safely stored and on its way to the group in charge.",
    ),
    "received_step_deadline": (
        "Chỉ sau ít phút, trang theo dõi sẽ cho biết đơn vị phụ trách và thời hạn trả lời.",
        "Within minutes the status page names the group in charge and the date by which it answers.",
    ),
    "received_step_answer": (
        "Câu trả lời có trên trang theo dõi, đồng thời được gửi qua thư điện tử nếu Quý doanh nghiệp đã cung cấp địa chỉ.",
        "The answer appears on the status page, and is sent by email if you gave an address.",
    ),
    "received_step_late": (
        "Nếu quá thời hạn, yêu cầu tự động được chuyển lên cấp có thẩm quyền cao hơn.",
        "If it is late, the request goes by itself to somebody with more authority.",
    ),
    "received_link": ("Theo dõi yêu cầu", "Follow your request"),
    "received_keep": (
        "Vui lòng lưu lại đường dẫn này. Người có đường dẫn xem được yêu cầu; xin đừng chia sẻ công khai.",
        "Keep this link. Whoever has it can read the request: do not make it public.",
    ),
    # Status
    "status_title": ("Yêu cầu {reference}", "Request {reference}"),
    "status_label": ("Tình trạng", "Status"),
    "status_new": ("Đã tiếp nhận", "Received"),
    "status_open": ("Đang xử lý", "In progress"),
    "status_waiting": ("Chờ doanh nghiệp bổ sung", "Waiting for you"),
    "status_referred": ("Đang xin ý kiến cơ quan khác", "With another authority"),
    "status_resolved": ("Đã giải quyết", "Resolved"),
    "status_closed": ("Đã kết thúc", "Closed"),
    "status_merged": ("Đã gộp vào yêu cầu khác", "Joined with another request"),
    "status_rejected": ("Không thụ lý", "Not accepted"),
    "says_new": (
        "Yêu cầu đang được chuyển đến đơn vị phụ trách.",
        "Your request is on its way to the group in charge.",
    ),
    "says_new_there": (
        "Đơn vị phụ trách đã nhận được yêu cầu và đang chờ cán bộ nhận xử lý.",
        "The group in charge has your request. Nobody there has taken it up yet.",
    ),
    "says_open": ("Đơn vị phụ trách đang xem xét yêu cầu.", "The group in charge is working on your request."),
    "says_waiting": (
        "Cán bộ phụ trách cần thêm thông tin. Vui lòng trả lời ở phần “Gửi thêm thông tin” bên dưới.",
        "The officer needs something from you. Please answer under “Add something” below.",
    ),
    "says_referred": (
        "Nội dung cần ý kiến của cơ quan có thẩm quyền khác; chúng tôi sẽ trả lời ngay khi có ý kiến.",
        "It needs the word of another authority; we will answer as soon as we have it.",
    ),
    "says_resolved": (
        "Câu trả lời ở bên dưới. Nếu chưa thỏa đáng, vui lòng viết thêm để yêu cầu được mở lại.",
        "The answer is below. If it does not solve your difficulty, write again and the request is reopened.",
    ),
    "says_closed": (
        "Yêu cầu đã kết thúc. Nếu có điều mới, vui lòng viết ở phần “Gửi thêm thông tin” bên dưới.",
        "The request is closed. If there is anything new, write under “Add something” below.",
    ),
    "says_merged": (
        "Nội dung này được trả lời trong một yêu cầu khác của Quý doanh nghiệp.",
        "It is answered together with another request of yours.",
    ),
    "says_rejected": (
        "Lý do được nêu trong phần trao đổi bên dưới.",
        "The reason is given in the messages below.",
    ),
    "status_topic": ("Lĩnh vực", "Topic"),
    "status_group": ("Đơn vị phụ trách", "Group in charge"),
    "status_group_soon": ("Đang xác định", "Being found"),
    "status_opened": ("Tiếp nhận lúc", "Received"),
    "status_deadlines": ("Thời hạn", "Deadlines"),
    "status_deadlines_soon": (
        "Thời hạn sẽ hiển thị khi yêu cầu đến đơn vị phụ trách. Vui lòng tải lại trang sau ít phút.",
        "Deadlines appear once the request has reached the group in charge. Reload this page in a few minutes.",
    ),
    "clock_first_response": ("Trả lời lần đầu", "First answer"),
    "clock_next_response": ("Trả lời tiếp theo", "Next answer"),
    "clock_resolution": ("Giải quyết xong", "Resolution"),
    "deadline_running": ("Chậm nhất {due}", "By {due}"),
    "deadline_paused": ("Tạm dừng, còn {minutes} phút làm việc", "Paused, {minutes} working minutes left"),
    "deadline_paused_days": ("Tạm dừng", "Paused"),
    "deadline_met": ("Hoàn thành lúc {finished}, đúng hạn", "Done at {finished}, on time"),
    "deadline_missed": ("Hoàn thành lúc {finished}, trễ hạn (hạn: {due})", "Done at {finished}, late (it was due at {due})"),
    "deadline_overdue": (
        "Đã quá hạn (hạn: {due}). Việc này đã được báo lên cấp trên.",
        "Overdue (it was due at {due}). This has been reported to a higher level.",
    ),
    "status_messages": ("Trao đổi", "Messages"),
    "status_no_messages": ("Chưa có nội dung trao đổi.", "There are no messages yet."),
    "author_you": ("Doanh nghiệp", "You"),
    "author_system": ("Thông báo tự động", "Automatic message"),
    "author_group": ("Đơn vị phụ trách", "The group in charge"),
    "kind_request": ("Yêu cầu", "Request"),
    "kind_message": ("Tin nhắn", "Message"),
    "kind_answer": ("Trả lời", "Answer"),
    "kind_question": ("Câu hỏi cho doanh nghiệp", "Question to you"),
    "kind_resolution": ("Kết quả giải quyết", "Resolution"),
    "whole_message": ("Xem toàn văn, cả phần trích dẫn và chữ ký", "Show the whole message, with what it quotes and its signature"),
    "attached": ("Tệp đính kèm:", "Attached files:"),
    "follow_up": ("Gửi thêm thông tin", "Add something"),
    "follow_up_text": ("Nội dung", "Your message"),
    "follow_up_hint": ("Tối đa {longest} ký tự.", "Up to {longest} characters."),
    "follow_up_send": ("Gửi", "Send"),
    "follow_up_sent": (
        "Đã nhận được tin của Quý doanh nghiệp; tin sẽ hiển thị bên dưới sau giây lát.",
        "We have your message; it appears below in a moment.",
    ),
    # Problems
    "not_found_title": ("Không tìm thấy trang", "There is no such page"),
    "not_found_says": (
        "Vui lòng kiểm tra địa chỉ. Để xem yêu cầu đã gửi, vui lòng mở đường dẫn trong trang xác nhận hoặc trong thư.",
        "Check the address. To see a request you sent, open the link on the confirmation page or in our mail.",
    ),
    "malformed_reference_title": ("Mã tra cứu không đúng dạng", "This is not a reference"),
    "malformed_reference_says": (
        "Mã tra cứu có dạng HD-XXX-XXX-XXX, chỉ gồm các chữ số từ 2 đến 9 và các chữ cái trừ I, L, O, S, U.",
        "A reference looks like HD-XXX-XXX-XXX, with the digits 2 to 9 and letters other than I, L, O, S and U.",
    ),
    "mistyped_reference_title": ("Mã tra cứu bị gõ nhầm", "The reference has a typing mistake"),
    "mistyped_reference_says": (
        "Ký tự kiểm tra không khớp: có một ký tự sai hoặc hai ký tự bị đổi chỗ. Vui lòng đối chiếu lại từng ký tự.",
        "Its check character does not agree: one character is wrong, or two are swapped. Compare it character by character.",
    ),
    "bad_link_title": ("Đường dẫn không hợp lệ", "This link is not valid"),
    "bad_link_says": (
        "Đường dẫn bị thiếu hoặc bị thay đổi. Vui lòng sao chép nguyên vẹn đường dẫn trong trang xác nhận hoặc trong thư.",
        "The link is incomplete or was changed. Copy all of it from the confirmation page or from our mail.",
    ),
    "expired_link_title": ("Đường dẫn đã hết hạn", "This link has expired"),
    "expired_link_says": (
        "Yêu cầu vẫn được lưu giữ. Vui lòng dùng đường dẫn trong thư gần nhất, hoặc liên hệ đơn vị phụ trách và cung cấp mã tra cứu.",
        "Your request is still here. Use the link in our latest mail, or contact the group in charge with your reference.",
    ),
    "file_gone_title": ("Không tìm thấy tệp", "There is no such file"),
    "file_gone_says": (
        "Yêu cầu này không có tệp đó. Vui lòng mở lại trang theo dõi yêu cầu.",
        "There is no such file on this request. Open the status page again.",
    ),
    "cannot_answer_title": ("Yêu cầu đã khép lại", "The request is over"),
    "cannot_answer_says": (
        "Yêu cầu này không nhận thêm nội dung. Vui lòng gửi yêu cầu mới.",
        "This request takes no more messages. Send a new request.",
    ),
    "too_large_title": ("Các tệp quá lớn", "The files are too large"),
    "too_large_says": (
        "Chưa có nội dung nào được gửi. Vui lòng quay lại và gửi tối đa {files} tệp, mỗi tệp {file} MB, tổng cộng {total} MB.",
        "Nothing was sent. Go back and send at most {files} files of {file} MB each, {total} MB together.",
    ),
    "conflict_title": ("Biểu mẫu này đã được gửi", "This form was already sent"),
    "conflict_says": (
        "Yêu cầu đầu tiên đã được lưu. Để gửi một yêu cầu khác, vui lòng mở biểu mẫu mới.",
        "The first request is stored. To send a different one, open a new form.",
    ),
    "unreadable_title": ("Không đọc được biểu mẫu", "The form could not be read"),
    "unreadable_says": (
        "Dữ liệu đến không đầy đủ và chưa được lưu. Vui lòng quay lại rồi gửi lại.",
        "It arrived incomplete and was not stored. Go back and send it again.",
    ),
    "unavailable_title": ("Dịch vụ tạm thời gián đoạn", "The service is not available right now"),
    "unavailable_says": (
        "Các yêu cầu đã có mã tra cứu vẫn được lưu an toàn. Vui lòng chờ một phút, quay lại rồi gửi lại: sẽ không bị gửi trùng.",
        "Nothing was lost: requests that have a reference are safe. Wait a minute, go back and send it again: it counts once.",
    ),
    "failed_title": ("Đã xảy ra lỗi ở phía chúng tôi", "Something went wrong on our side"),
    "failed_says": (
        "Lỗi đã được ghi lại. Vui lòng quay lại và thử lại; nếu vẫn không được, xin liên hệ đơn vị hỗ trợ.",
        "It has been recorded. Go back and try again; if it fails again, contact the support group.",
    ),
}
