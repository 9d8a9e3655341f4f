"""What is an email address: the same for files, forms, typed lines and whoever else brings one."""

from __future__ import annotations

from contacts.importing.mapping import EMAIL_FORM

EMAIL_LENGTH = 254


def as_email_address(text: str) -> str:
    """An address as it is kept and compared, if it is one.

    >>> as_email_address(" mailto:Anna@Example.com")
    'anna@example.com'
    """
    return text.strip().lower().removeprefix("mailto:").strip()


def is_email_address(text: str) -> bool:
    """Whether somebody can be written to there from outside: someone@somewhere.tld, without quotes.

    >>> is_email_address("anna@example.com"), is_email_address("anna@localhost")
    (True, False)
    """
    return len(text) <= EMAIL_LENGTH and EMAIL_FORM.fullmatch(text) is not None
