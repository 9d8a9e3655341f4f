from django.urls import path

from campaigns.views import editor, manager, settings
from campaigns.views.command_center import campaign, lists, moves, tabs

app_name = "campaigns"

urlpatterns = [
    # --- Manager ----------------------------------------------------------------------------------------
    path("campaigns/", manager.manager, name="manager"),
    path("campaigns/<int:campaign_id>/press/", manager.press, name="press"),
    path("campaigns/<int:campaign_id>/menu/", manager.menu, name="menu"),
    # --- Command center: its tabs, then what is done from it ------------------------------------------------
    path("campaigns/<int:campaign_id>/", tabs.campaign, name="campaign"),
    path("campaigns/<int:campaign_id>/contacts/", tabs.contacts, name="contacts"),
    path("campaigns/<int:campaign_id>/lists/", tabs.lists, name="lists"),
    path("campaigns/<int:campaign_id>/activity/", tabs.activity, name="activity"),
    path("campaigns/<int:campaign_id>/press/here/", moves.press_here, name="press_here"),
    path("campaigns/<int:campaign_id>/archive/", campaign.archive, name="archive"),
    path("campaigns/<int:campaign_id>/duplicate/", campaign.duplicate, name="duplicate"),
    path("campaigns/<int:campaign_id>/delete/", campaign.delete, name="delete"),
    path("campaigns/<int:campaign_id>/exclusions/", lists.exclude, name="exclude"),
    path(
        "campaigns/<int:campaign_id>/exclusions/<int:list_id>/remove/",
        lists.include,
        name="include",
    ),
    path("campaigns/<int:campaign_id>/channels/<int:channel_id>/lists/", lists.assign, name="assign"),
    path(
        "campaigns/<int:campaign_id>/channels/<int:channel_id>/lists/<int:list_id>/unassign/",
        lists.unassign,
        name="unassign",
    ),
    path("campaigns/<int:campaign_id>/channels/<int:channel_id>/<slug:move>/", moves.move, name="move"),
    # --- Editor: settings, then contacts and start ------------------------------------------------------
    path("campaigns/new/", editor.new, name="new"),
    path("campaigns/hours-in-words/", editor.hours_in_words, name="hours_in_words"),
    path("campaigns/<int:campaign_id>/edit/", editor.edit, name="edit"),
    path("campaigns/<int:campaign_id>/edit/unlock/", editor.unlock, name="unlock"),
    path("campaigns/<int:campaign_id>/preflight/", editor.preflight, name="preflight"),
    path("campaigns/<int:campaign_id>/launch/", editor.launch, name="launch"),
    path("campaigns/<int:campaign_id>/launch/lists/", editor.assign_list, name="launch_assign"),
    path(
        "campaigns/<int:campaign_id>/launch/lists/<int:list_id>/unassign/",
        editor.unassign_list,
        name="launch_unassign",
    ),
    path("campaigns/<int:campaign_id>/launch/numbers/", editor.add_numbers, name="launch_numbers"),
    path("campaigns/<int:campaign_id>/launch/start/", editor.start, name="launch_start"),
    # --- Settings: assistants, caller IDs, dispositions --------------------------------------------------
    path("settings/", settings.settings, name="settings"),
    path("settings/assistants/new/", settings.assistant_new, name="assistant_new"),
    path("settings/assistants/<int:pk>/", settings.assistant, name="assistant"),
    path("settings/assistants/<int:pk>/delete/", settings.assistant_delete, name="assistant_delete"),
    path("settings/caller-ids/new/", settings.caller_id_new, name="caller_id_new"),
    path("settings/caller-ids/<int:pk>/", settings.caller_id, name="caller_id"),
    path("settings/caller-ids/<int:pk>/delete/", settings.caller_id_delete, name="caller_id_delete"),
    path("settings/dispositions/new/", settings.disposition_new, name="disposition_new"),
    path("settings/dispositions/<int:pk>/", settings.disposition, name="disposition"),
    path("settings/dispositions/<int:pk>/delete/", settings.disposition_delete, name="disposition_delete"),
]
