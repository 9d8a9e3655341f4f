"""The forms of campaigns: the editor's three tabs, its last step, and the settings page's."""

from campaigns.forms.advanced import AdvancedForm
from campaigns.forms.basic import BasicForm
from campaigns.forms.editor import CampaignForm
from campaigns.forms.launch import NumbersForm, StartLaterForm
from campaigns.forms.schedule import ScheduleForm
from campaigns.forms.settings import AssistantForm, CallerIdForm, DispositionForm, PoolForm

__all__ = [
    "AdvancedForm",
    "AssistantForm",
    "BasicForm",
    "CallerIdForm",
    "CampaignForm",
    "DispositionForm",
    "NumbersForm",
    "PoolForm",
    "ScheduleForm",
    "StartLaterForm",
]
