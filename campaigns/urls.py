from django.urls import path

from campaigns.views import manager, people, settings
from campaigns.views.command_center import campaign, lists, moves, places, tabs
from campaigns.views.editor import channels, launch
from campaigns.views.editor import settings as editor

app_name = "campaigns"

urlpatterns = [
    # --- Manager ----------------------------------------------------------------------------------------
    path("campaigns/", manager.manager, name="manager"),
    path("campaigns/export/", manager.export, name="export"),
    path("campaigns/<int:campaign_id>/press/", manager.press, name="press"),
    path("campaigns/<int:campaign_id>/menu/", manager.menu, name="menu"),
    path("campaigns/<int:campaign_id>/row/<int:channel_id>/<slug:move>/", manager.move, name="row_move"),
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
    path(
        "campaigns/<int:campaign_id>/exclusions/bring-back/",
        lists.bring_back_excluded,
        name="bring_back_excluded",
    ),
    path("campaigns/<int:campaign_id>/channels/<int:channel_id>/lists/", lists.assign, name="assign"),
    path(
        "campaigns/<int:campaign_id>/channels/<int:channel_id>/lists/<int:list_id>/unassign/",
        lists.unassign,
        name="unassign",
    ),
    path(
        "campaigns/<int:campaign_id>/channels/<int:channel_id>/lists/<int:list_id>/newest/",
        lists.take_newest,
        name="take_newest",
    ),
    path(
        "campaigns/<int:campaign_id>/channels/<int:channel_id>/contacts/bring-back/<str:moment>/",
        places.bring_back,
        name="bring_back",
    ),
    path(
        "campaigns/<int:campaign_id>/channels/<int:channel_id>/contacts/<slug:deed>/",
        places.places,
        name="places",
    ),
    # --- Editor: settings, then contacts and start, of a channel --------------------------------------------
    path("campaigns/new/", editor.new, name="new"),
    path("campaigns/hours-in-words/", editor.hours_in_words, name="hours_in_words"),
    path("campaigns/rules-in-words/", editor.rules_in_words, name="rules_in_words"),
    path("campaigns/<int:campaign_id>/edit/", editor.edit, name="edit"),
    path("campaigns/<int:campaign_id>/launch/", launch.launch, name="launch"),
    path("campaigns/<int:campaign_id>/channels/new/", channels.channel_new, name="channel_new"),
    *(
        path(f"campaigns/<int:campaign_id>/channels/<int:channel_id>/{address}", view, name=name)
        for address, view, name in (
            ("edit/", editor.channel_edit, "channel_edit"),
            ("edit/unlock/", editor.channel_unlock, "channel_unlock"),
            ("rename/", channels.channel_rename, "channel_rename"),
            ("delete/", channels.channel_delete, "channel_delete"),
            ("preflight/", launch.preflight, "preflight"),
            ("preflight/people/", people.people, "preflight_people"),
            ("preflight/people/export/", people.export, "preflight_people_export"),
            ("launch/", launch.channel_launch, "channel_launch"),
            ("launch/lists/", launch.assign_list, "launch_assign"),
            ("launch/lists/<int:list_id>/unassign/", launch.unassign_list, "launch_unassign"),
            ("launch/numbers/", launch.add_numbers, "launch_numbers"),
            ("launch/start/", launch.start, "launch_start"),
        )
    ),
    # Whatever else stands there is a move.
    path("campaigns/<int:campaign_id>/channels/<int:channel_id>/<slug:move>/", moves.move, name="move"),
    # --- Settings: assistants, caller IDs, dispositions --------------------------------------------------
    path("settings/", settings.settings, name="settings"),
    path("settings/assistants/new/", settings.assistant_new, name="assistant_new"),
    path("settings/assistants/<int:pk>/", settings.assistant, name="assistant"),
    path("settings/assistants/<int:pk>/delete/", settings.assistant_delete, name="assistant_delete"),
    path("settings/pools/new/", settings.pool_new, name="pool_new"),
    path("settings/pools/<int:pk>/", settings.pool, name="pool"),
    path("settings/pools/<int:pk>/delete/", settings.pool_delete, name="pool_delete"),
    path("settings/caller-ids/new/", settings.caller_id_new, name="caller_id_new"),
    path("settings/caller-ids/<int:pk>/", settings.caller_id, name="caller_id"),
    path("settings/caller-ids/<int:pk>/delete/", settings.caller_id_delete, name="caller_id_delete"),
    path("settings/dispositions/new/", settings.disposition_new, name="disposition_new"),
    path("settings/dispositions/<int:pk>/", settings.disposition, name="disposition"),
    path("settings/dispositions/<int:pk>/delete/", settings.disposition_delete, name="disposition_delete"),
]
