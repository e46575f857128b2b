"""Reason codes: why a verdict is what it is, as data, with one plain sentence in each language and what to do next.

Station and server share this table, so a bench without network says the same words. `{name}` are arguments; an argument
may itself be a text in two languages, `{"fr": …, "en": …}`. Sentences follow the French easy-to-read rules (FALC):
short, active, one idea, the same word for the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Final, Literal

Tone = Literal["go", "stop", "wait", "kept"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One code: the tone of the screen, the sentence, and what to do (empty where there is nothing to do)."""

    code: str
    tone: Tone
    fr: str
    en: str
    do_fr: str = ""
    do_en: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The arguments that the sentences use."""
        texts = (self.fr, self.en, self.do_fr, self.do_en)
        return frozenset(name for text in texts for _, name, _, _ in Formatter().parse(text) if name)


def _table(*rows: tuple[str, Tone, str, str, str, str]) -> dict[str, Reason]:
    return {row[0]: Reason(*row) for row in rows}


# fmt: off
REASONS: Final[dict[str, Reason]] = _table(
    # --- go on
    ("ok", "go", "C’est bon.", "All good.", "", ""),
    ("welcome", "go", "Bonjour. Vous pouvez commencer.", "Hello. You can start.",
     "Scannez un appareil.", "Scan a unit."),
    ("goodbye", "wait", "Au revoir.", "Goodbye.", "Scannez un badge pour commencer.", "Scan a badge to start."),
    ("unit_arrived", "go", "{unit} est au bon poste.", "{unit} is at the right station.",
     "Faites l’étape : {step}.", "Do the step: {step}."),
    ("rack_place", "go", "Place {place}.", "Place {place}.",
     "Mettez {unit} à la place {place}. Branchez-le.", "Put {unit} at place {place}. Connect it."),
    ("unit_here", "go", "{unit} est déjà ici.", "{unit} is already here.", "Continuez.", "Go on."),
    ("component_fitted", "go", "{part} : c’est bon.", "{part}: all good.", "", ""),
    ("component_removed", "go", "{part} est retiré.", "{part} is taken out.", "", ""),
    ("test_passed", "go", "Essai réussi.", "Test passed.", "Scannez FINI.", "Scan DONE."),
    ("test_marginal", "go", "Essai réussi, tout juste : {test}.", "Test passed, only just: {test}.",
     "Mesure {value}. Il faut {limit}. Scannez FINI.", "Reading {value}. It takes {limit}. Scan DONE."),
    ("inspection_passed", "go", "Contrôle bon.", "Inspection passed.", "Scannez FINI.", "Scan DONE."),
    ("step_done", "go", "{unit} : étape finie.", "{unit}: step finished.",
     "Portez l’appareil à : {next}.", "Take the unit to: {next}."),
    ("unit_finished", "go", "{unit} est fini.", "{unit} is finished.", "", ""),
    ("unit_left", "wait", "{unit} n’est plus sur le poste.", "{unit} is off the bench.",
     "L’étape n’est pas finie.", "The step is not finished."),
    ("counted", "go", "Compté : {good} bons, {scrap} rebuts.", "Counted: {good} good, {scrap} scrap.",
     "Reste à faire : {left}.", "Left to do: {left}."),
    ("repaired", "go", "La réparation est notée.", "The repair is recorded.", "", ""),
    ("help_called", "wait", "L’aide est appelée.", "Help is called.", "Quelqu’un vient. Attendez.",
     "Somebody is coming. Wait."),
    ("help_came", "go", "L’aide est là.", "Help is here.", "", ""),
    ("paused", "wait", "Pause.", "Break.", "Scannez REPRENDRE pour continuer.", "Scan RESUME to go on."),
    ("resumed", "go", "Vous pouvez continuer.", "You can go on.", "", ""),
    ("overridden", "go", "Le responsable est d’accord.", "The supervisor agrees.", "Continuez.", "Go on."),
    ("override_badge", "wait", "Le responsable peut donner son accord.", "The supervisor can agree.",
     "Responsable : scannez votre badge.", "Supervisor: scan your badge."),
    ("override_pin", "wait", "Responsable : tapez votre code.", "Supervisor: type your PIN.",
     "Le code reste secret.", "The PIN stays secret."),
    ("sampled", "go", "La mesure est bonne.", "The sample is good.", "", ""),
    ("noted", "go", "C’est noté.", "Recorded.", "", ""),

    # --- look again: the bench, not the unit
    ("retest", "stop", "Essai raté : {test}.", "Test failed: {test}.",
     "Mesure {value}. Il faut {limit}. Vérifiez les fils et refaites l’essai : {left} fois encore.",
     "Reading {value}. It takes {limit}. Check the leads and test again: {left} more."),
    ("sample_out", "stop", "{unit} : mesure hors limites : {test}.", "{unit}: a sample is out of limits: {test}.",
     "Mesure {value}. Il faut {limit}. Une autre mesure suit tout de suite.",
     "Reading {value}. It takes {limit}. Another sample follows at once."),
    ("bench_error", "stop", "Le banc d’essai ne répond pas bien.", "The test bench does not answer well.",
     "L’appareil n’est pas en cause. Refaites l’essai ou scannez AIDE.",
     "The unit is not at fault. Test again or scan HELP."),
    ("bench_not_safe", "stop", "{device} ne répond pas. L’appareil est peut-être encore sous tension.",
     "{device} does not answer. The unit may still be live.",
     "Ne touchez pas l’appareil. Coupez le banc, puis vérifiez le câble. Sinon, scannez AIDE.",
     "Do not touch the unit. Switch the bench off, then check the cable. Otherwise scan HELP."),
    ("bench_safe", "wait", "Le banc est de nouveau au repos.", "The bench is at rest again.",
     "Refaites l’essai : scannez OUI.", "Test again: scan YES."),
    ("test_stopped", "stop", "L’essai est arrêté.", "The test is stopped.",
     "Il ne compte pas. Refaites l’essai : scannez OUI.", "It does not count. Test again: scan YES."),
    ("testing", "wait", "L’essai est en cours.", "The test is running.", "Ne touchez pas l’appareil.",
     "Do not touch the unit."),
    ("waiting_tester", "wait", "On attend le testeur.", "Waiting for the tester.",
     "Lancez l’essai sur le testeur.", "Start the test on the tester."),
    ("tester_other_unit", "stop", "Le testeur a mesuré {other}, et {unit} est sur le poste.",
     "The tester measured {other}, and {unit} is on the bench.",
     "Ce résultat ne compte pas. Branchez {unit} et refaites l’essai.",
     "This result does not count. Connect {unit} and test again."),
    ("tester_no_unit", "stop", "Le testeur envoie un résultat, mais aucun appareil n’est sur le poste.",
     "The tester sends a result, but no unit is on the bench.",
     "Il ne compte pas. Scannez l’appareil, puis refaites l’essai.",
     "It does not count. Scan the unit, then test again."),
    ("tester_names_none", "stop", "Le testeur ne dit pas quel appareil il a mesuré.",
     "The tester does not say which unit it measured.",
     "Ce résultat ne compte pas. Scannez OUI, puis refaites l’essai.",
     "This result does not count. Scan YES, then test again."),
    ("tester_not_now", "stop", "Le résultat du testeur ne compte pas maintenant.",
     "The tester’s result does not count now.",
     "Faites d’abord ce que l’écran demande pour {unit}.", "First do what the screen says for {unit}."),
    ("tester_not_wanted", "stop", "{unit} n’a pas d’essai de ce testeur ici.",
     "{unit} has no test of this tester here.",
     "Ce résultat ne compte pas. Faites ce que l’écran demande.",
     "This result does not count. Do what the screen says."),
    ("tester_unreadable", "stop", "Le résultat du testeur est illisible.", "The tester’s result cannot be read.",
     "L’appareil n’est pas en cause. Refaites l’essai ou scannez AIDE.",
     "The unit is not at fault. Test again or scan HELP."),

    # --- the instrument is not fit to measure: the bench, not the unit
    ("instrument_overdue", "stop", "L’instrument {instrument} est hors délai : son étalonnage a fini le {until}.",
     "Instrument {instrument} is overdue: its calibration ended on {until}.",
     "L’appareil n’est pas en cause. Scannez AIDE : il faut un étalonnage, ou un autre instrument.",
     "The unit is not at fault. Scan HELP: it takes a calibration, or another instrument."),
    ("instrument_unfit", "stop", "L’instrument {instrument} n’est plus bon depuis le {since}.",
     "Instrument {instrument} is unfit since {since}.",
     "L’appareil n’est pas en cause. Scannez AIDE : il faut un autre instrument.",
     "The unit is not at fault. Scan HELP: it takes another instrument."),
    ("instrument_retired", "stop", "L’instrument {instrument} est retiré depuis le {since}.",
     "Instrument {instrument} is out of use since {since}.",
     "L’appareil n’est pas en cause. Scannez AIDE : il faut un autre instrument.",
     "The unit is not at fault. Scan HELP: it takes another instrument."),
    ("instrument_unknown", "stop", "Je ne connais pas l’étalonnage de l’instrument {instrument}.",
     "I know no calibration of instrument {instrument}.",
     "L’appareil n’est pas en cause. Scannez AIDE : il faut inscrire l’instrument au registre.",
     "The unit is not at fault. Scan HELP: the instrument must be entered in the register."),
    ("instrument_overdue_warn", "kept", "L’instrument {instrument} est hors délai : son étalonnage a fini le {until}.",
     "Instrument {instrument} is overdue: its calibration ended on {until}.",
     "L’essai continue. Prévenez le responsable.", "The test goes on. Tell the supervisor."),
    ("instrument_unfit_warn", "kept", "L’instrument {instrument} n’est plus bon depuis le {since}.",
     "Instrument {instrument} is unfit since {since}.",
     "L’essai continue. Prévenez le responsable.", "The test goes on. Tell the supervisor."),
    ("instrument_retired_warn", "kept", "L’instrument {instrument} est retiré depuis le {since}.",
     "Instrument {instrument} is out of use since {since}.",
     "L’essai continue. Prévenez le responsable.", "The test goes on. Tell the supervisor."),
    ("instrument_unknown_warn", "kept", "Je ne connais pas l’étalonnage de l’instrument {instrument}.",
     "I know no calibration of instrument {instrument}.",
     "L’essai continue. Prévenez le responsable.", "The test goes on. Tell the supervisor."),

    # --- the gate says no to a unit
    ("unknown_unit", "stop", "Cet appareil est inconnu : {unit}.", "This unit is unknown: {unit}.",
     "Scannez l’étiquette de l’appareil. Sinon, scannez AIDE.", "Scan the unit’s label. If not, scan HELP."),
    ("order_not_released", "stop", "L’ordre {order} n’est pas encore lancé.", "Order {order} is not released yet.",
     "Prenez un autre appareil.", "Take another unit."),
    ("order_held", "stop", "L’ordre {order} est en attente.", "Order {order} is on hold.",
     "Prenez un autre ordre. Prévenez le responsable.", "Take another order. Tell the supervisor."),
    ("order_closed", "stop", "L’ordre {order} est fermé.", "Order {order} is closed.",
     "Posez l’appareil à part et scannez AIDE.", "Put the unit aside and scan HELP."),
    ("unit_scrapped", "stop", "{unit} est au rebut.", "{unit} is scrap.",
     "Mettez-le dans le bac rouge.", "Put it in the red bin."),
    ("unit_withdrawn", "stop", "{unit} ne fait plus partie de son ordre.", "{unit} is not part of its order any more.",
     "Rendez son étiquette au planificateur.", "Give its label back to the planner."),
    ("unit_done", "stop", "{unit} est déjà fini.", "{unit} is already finished.",
     "Il n’y a plus rien à faire dessus.", "There is nothing left to do on it."),
    ("unit_held", "stop", "{unit} est bloqué par la fiche {nc}.", "{unit} is blocked by nonconformity {nc}.",
     "Posez-le sur l’étagère rouge.", "Put it on the red shelf."),
    ("step_missing", "stop", "Il manque une étape : {step}.", "A step is missing: {step}.",
     "Portez l’appareil à : {station}.", "Take the unit to: {station}."),
    ("step_already_done", "stop", "Cette étape est déjà faite.", "This step is already done.",
     "Portez l’appareil à : {station}.", "Take the unit to: {station}."),
    ("safety_first", "stop", "Il faut d’abord réussir : {step}.", "This has to be passed first: {step}.",
     "Ne mettez pas {unit} en marche. Portez-le à : {station}.", "Do not switch {unit} on. Take it to: {station}."),
    ("at_other_station", "stop", "{unit} est encore en travail à : {station}.",
     "{unit} is still being worked on at: {station}.",
     "Finissez-le là-bas, ou scannez LAISSER là-bas.", "Finish it there, or scan LEAVE there."),
    ("no_operator", "stop", "Je ne sais pas qui travaille ici.", "I do not know who works here.",
     "Scannez votre badge.", "Scan your badge."),
    ("unknown_badge", "stop", "Je ne connais pas ce badge.", "I do not know this badge.",
     "Demandez un badge au responsable.", "Ask the supervisor for a badge."),
    ("badge_ended", "stop", "Ce badge n’est plus valable.", "This badge is no longer valid.",
     "Prenez votre nouveau badge, ou demandez-en un au responsable.",
     "Take your new badge, or ask the supervisor for one."),
    ("not_qualified", "stop", "Il vous faut la qualification : {qualification}.",
     "You need the qualification: {qualification}.",
     "Prévenez le responsable : il peut vous la donner.", "Tell the supervisor, who can grant it."),
    ("qualification_expired", "stop", "Qualification {qualification} : elle a fini le {until}.",
     "Qualification {qualification}: it ended on {until}.",
     "Prévenez le responsable : il peut la renouveler.", "Tell the supervisor, who can renew it."),
    ("override_wrong", "stop", "Le badge ou le code n’est pas bon.", "The badge or the PIN is not right.",
     "Scannez encore le badge du responsable.", "Scan the supervisor’s badge again."),
    ("override_wait", "stop", "Trop d’essais.", "Too many tries.", "Attendez {minutes} min.", "Wait {minutes} min."),
    ("override_self", "stop", "Une autre personne doit donner son accord.", "Somebody else must agree.",
     "Appelez un autre responsable.", "Call another supervisor."),
    ("override_never", "stop", "Personne ne peut donner cet accord.", "Nobody can agree to this.",
     "Laissez ce travail à une personne qualifiée.", "Leave this work to a qualified person."),
    ("override_not_now", "stop", "L’accord n’est pas possible maintenant.", "This cannot be agreed to now.",
     "Attendez le réseau, puis scannez l’appareil.", "Wait for the network, then scan the unit."),
    ("needs_network", "stop", "Cette étape a besoin du réseau.", "This step needs the network.",
     "Attendez le réseau ou scannez AIDE.", "Wait for the network or scan HELP."),
    ("not_arrived", "stop", "{unit} n’est pas arrivé à ce poste.", "{unit} has not arrived at this station.",
     "Scannez l’étiquette de l’appareil.", "Scan the unit’s label."),
    ("bench_full", "stop", "Il n’y a plus de place ici. Places : {places}.",
     "There is no place left. Places: {places}.",
     "Finissez d’abord un appareil.", "Finish a unit first."),

    # --- the gate says no to a component
    ("component_wrong", "stop", "Ce n’est pas la bonne pièce.", "This is the wrong part.",
     "Il faut {wanted}. Vous avez scanné {got}. Prenez la bonne pièce et scannez-la.",
     "It takes {wanted}. You scanned {got}. Take the right part and scan it."),
    ("component_not_needed", "stop", "Cette étape n’a pas besoin de pièce.", "This step needs no part.",
     "Vous avez scanné {got}. Reposez-le.", "You scanned {got}. Put it back."),
    ("component_enough", "stop", "{part} est déjà posé.", "{part} is already fitted.",
     "Il n’en faut pas plus. Reposez cette pièce.", "No more are needed. Put this part back."),
    ("component_used", "stop", "La pièce {serial} est déjà dans {unit}.", "Part {serial} is already in {unit}.",
     "Prenez une autre pièce.", "Take another part."),
    ("lot_held", "stop", "Le lot {lot} de {part} est bloqué.", "Lot {lot} of {part} is blocked.",
     "Prenez un autre lot.", "Take another lot."),
    ("component_without_number", "stop", "Je ne lis pas le numéro de cette pièce.", "I cannot read this part’s number.",
     "Scannez l’autre étiquette de la pièce.", "Scan the part’s other label."),
    ("nothing_installed", "stop", "Cette pièce n’est pas dans l’appareil.", "This part is not in the unit.", "", ""),

    # --- the step is not complete
    ("needs_component", "stop", "Il manque : {part}.", "Missing: {part}.",
     "Scannez {left} de plus, puis FINI.", "Scan {left} more, then DONE."),
    ("needs_test", "stop", "L’essai n’est pas encore réussi.", "The test has not passed yet.",
     "Faites l’essai, puis scannez FINI.", "Run the test, then scan DONE."),
    ("needs_inspection", "stop", "Le contrôle n’est pas fait.", "The inspection is not done.",
     "Regardez, puis scannez BON ou un défaut.", "Look, then scan PASS or a defect."),
    ("needs_time", "stop", "C’est trop tôt.", "It is too early.",
     "Encore {minutes} min.", "{minutes} min more."),
    ("needs_quantity", "stop", "Combien ?", "How many?", "Scannez une quantité, puis FINI.",
     "Scan a quantity, then DONE."),
    ("too_many", "stop", "C’est plus que ce qui reste.", "This is more than what is left.",
     "Il reste {left}. Vous avez compté {counted}. Comptez encore.",
     "{left} are left. You counted {counted}. Count again."),
    ("not_lot_order", "stop", "{order} se travaille appareil par appareil.", "{order} is worked unit by unit.",
     "Scannez l’étiquette de l’appareil.", "Scan the unit’s label."),
    ("unknown_order", "stop", "L’ordre {order} est inconnu.", "Order {order} is unknown.",
     "Scannez l’étiquette de l’ordre.", "Scan the order’s label."),
    ("order_not_here", "stop", "L’ordre {order} ne passe pas par ce poste.", "Order {order} does not pass here.",
     "Portez-le à : {station}.", "Take it to: {station}."),

    # --- a nonconformity is open
    ("test_failed", "stop", "Essai raté : {test}. L’appareil est bloqué.", "Test failed: {test}. The unit is blocked.",
     "Mesure {value}. Il faut {limit}. Posez-le sur l’étagère rouge : {nc}.",
     "Reading {value}. It takes {limit}. Put it on the red shelf: {nc}."),
    ("defect_found", "stop", "Défaut : {defect}. L’appareil est bloqué.", "Defect: {defect}. The unit is blocked.",
     "Posez-le sur l’étagère rouge : {nc}.", "Put it on the red shelf: {nc}."),
    ("contradiction", "stop", "{unit} : ce n’était pas prévu ici. L’appareil est bloqué.",
     "{unit}: this was not planned here. The unit is blocked.",
     "Ce que vous avez fait est gardé. Posez-le sur l’étagère rouge : {nc}.",
     "What you did is kept. Put it on the red shelf: {nc}."),
    ("tester_contradicts", "stop",
     "{test} : le testeur et sa mesure ne disent pas la même chose. L’appareil est bloqué.",
     "{test}: the tester and its reading do not say the same. The unit is blocked.",
     "Mesure {value}. Posez-le sur l’étagère rouge : {nc}. Une personne va regarder.",
     "Reading {value}. Put it on the red shelf: {nc}. Somebody will look."),
    ("station_contradicts", "stop", "{test} : le poste et le serveur ne jugent pas pareil. L’appareil est bloqué.",
     "{test}: the station and the server judge differently. The unit is blocked.",
     "Mesure {value}. Posez-le sur l’étagère rouge : {nc}. Une personne va regarder.",
     "Reading {value}. Put it on the red shelf: {nc}. Somebody will look."),
    ("run_contradicts", "stop", "{test} : le résultat ne tient pas ensemble. L’appareil est bloqué.",
     "{test}: the result does not fit together. The unit is blocked.",
     "Posez-le sur l’étagère rouge : {nc}. Une personne va regarder.",
     "Put it on the red shelf: {nc}. Somebody will look."),
    ("scrapped", "stop", "{unit} est mis au rebut.", "{unit} is scrapped.",
     "Mettez-le dans le bac rouge.", "Put it in the red bin."),

    # --- what was read says nothing
    ("unreadable", "stop", "Je n’ai pas bien lu.", "I could not read that.", "Scannez encore une fois.",
     "Scan it once more."),
    ("unknown_code", "stop", "Je ne connais pas ce code : {text}.", "I do not know this code: {text}.",
     "Vérifiez l’étiquette.", "Check the label."),
    ("unknown_defect", "stop", "Ce défaut n’est pas dans la liste : {text}.", "This defect is not on the list: {text}.",
     "Scannez un défaut de la feuille.", "Scan a defect from the sheet."),
    ("not_now", "stop", "Pas maintenant : {text}.", "Not now: {text}.", "{hint}", "{hint}"),
    ("nothing_to_undo", "stop", "Il n’y a rien à annuler.", "There is nothing to undo.", "", ""),
    ("finish_first", "stop", "{unit} est encore sur le poste.", "{unit} is still on the bench.",
     "Scannez FINI ou LAISSER d’abord.", "Scan DONE or LEAVE first."),
    ("which_defect", "wait", "Quel est le défaut ?", "Which defect is it?", "Scannez le défaut sur la feuille.",
     "Scan the defect on the sheet."),
    ("order_here", "wait", "Ordre {order} : {step}.", "Order {order}: {step}.", "Comptez, puis scannez FINI.",
     "Count, then scan DONE."),
    ("next_lot", "wait", "Le lot suivant compte pour {count}.", "The next lot counts for {count}.",
     "Scannez l’étiquette du lot.", "Scan the lot’s label."),

    # --- the way to the server
    ("kept", "kept", "Gardé.", "Kept.", "Le serveur va répondre.", "The server will answer."),
    ("offline_go", "kept", "Gardé. Sans réseau, vous pouvez continuer.", "Kept. Without network, you can go on.",
     "Rien n’est perdu.", "Nothing is lost."),
    ("asking", "wait", "Un instant.", "One moment.", "", ""),
    ("not_kept", "stop", "Ce scan n’est pas gardé.", "This scan is not kept.",
     "Le disque du poste est plein ou en panne. Scannez AIDE ou appelez.",
     "The station’s disk is full or broken. Call for help."),
    ("not_ready", "stop", "Le poste n’est pas prêt.", "The station is not ready.",
     "Attendez. N’utilisez pas encore le lecteur.", "Wait. Do not scan yet."),
    ("quarantined", "kept", "Le serveur n’a pas compris. C’est gardé.", "The server did not understand. It is kept.",
     "Continuez. Quelqu’un va regarder.", "Go on. Somebody will look at it."),
    ("device_lost", "stop", "{device} est débranché.", "{device} is unplugged.",
     "Rebranchez le câble.", "Plug the cable in again."),
    ("device_back", "go", "{device} est de retour.", "{device} is back.", "", ""),

    # --- orders and other requests from the office
    ("order_exists", "stop", "L’ordre {order} existe déjà.", "Order {order} exists already.",
     "Choisissez un autre numéro.", "Choose another number."),
    ("order_state", "stop", "L’ordre {order} est {state}.", "Order {order} is {state}.",
     "Cette action n’est pas possible maintenant.", "This is not possible now."),
    ("order_has_open_units", "stop", "L’ordre {order} a encore {count} appareils ouverts.",
     "Order {order} still has {count} open units.",
     "Finissez-les ou mettez-les au rebut.", "Finish or scrap them."),
    # --- sheets of orders
    ("sheet_too_large", "stop", "Le fichier est trop grand.", "The file is too large.",
     "Un fichier a {most} Mio au plus. Partagez-le.", "A file has {most} MiB at most. Divide it."),
    ("sheet_too_long", "stop", "Le fichier a trop de lignes.", "The file has too many lines.",
     "Un fichier a {most} ordres au plus. Partagez-le.", "A file has {most} orders at most. Divide it."),
    ("sheet_empty", "stop", "Le fichier ne contient aucun ordre.", "There is no order in the file.",
     "La première ligne porte les titres, les autres un ordre chacune.",
     "The first line has the headings, each other line has an order."),
    ("sheet_encoding", "stop", "Le fichier n’est pas du texte en UTF-8.", "The file is not text in UTF-8.",
     "Enregistrez-le comme « CSV UTF-8 » ou comme XLSX.", "Save it as “CSV UTF-8” or as XLSX."),
    ("sheet_broken", "stop", "Le fichier ne se lit pas (ligne {line}).", "The file cannot be read (line {line}).",
     "Enregistrez-le encore une fois, en CSV UTF-8 ou en XLSX.", "Save it once more, as CSV UTF-8 or as XLSX."),
    ("sheet_unknown_column", "stop", "La colonne « {column} » est inconnue.", "Column “{column}” is unknown.",
     "Enlevez-la, ou nommez-la : {known}.", "Take it away, or call it: {known}."),
    ("sheet_column_twice", "stop", "La colonne « {column} » est là deux fois.", "Column “{column}” is there twice.",
     "Gardez-en une.", "Keep one of them."),
    ("sheet_missing_column", "stop", "La colonne « {column} » manque.", "Column “{column}” is missing.",
     "Ajoutez-la à la première ligne.", "Add it to the first line."),
    ("sheet_too_many_cells", "stop", "La ligne {line} a plus de cases que la première.",
     "Line {line} has more cells than the first.",
     "Mettez entre guillemets le texte qui contient un séparateur.", "Put text that contains a separator into quotes."),
    ("sheet_order_number", "stop", "« {got} » n’est pas un numéro d’ordre.", "“{got}” is no order number.",
     "Utilisez lettres, chiffres, points et tirets, sans espace ; vide : le numéro suivant.",
     "Use letters, digits, dots and dashes, without spaces; empty: the next number."),
    ("sheet_order_twice", "stop", "L’ordre {order} est deux fois dans le fichier.",
     "Order {order} is in the file twice.",
     "Donnez un autre numéro.", "Give another number."),
    ("sheet_quantity", "stop", "« {got} » n’est pas une quantité.", "“{got}” is no quantity.",
     "Donnez un nombre entier de 1 à 1 000 000.", "Give a whole number from 1 to 1,000,000."),
    ("sheet_date", "stop", "« {got} » n’est pas une date.", "“{got}” is no date.",
     "Écrivez 2026-11-27 ou 27/11/2026.", "Write 2026-11-27 or 27/11/2026."),
    ("sheet_priority", "stop", "« {got} » n’est pas une priorité.", "“{got}” is no priority.",
     "Écrivez 1 (urgent), 2 (normal) ou 3 (peut attendre).", "Write 1 (urgent), 2 (normal) or 3 (can wait)."),
    ("sheet_too_many_letters", "stop", "Le texte est trop long.", "The text is too long.",
     "Il a {most} caractères au plus.", "It has {most} characters at most."),
    ("order_unchanged", "stop", "Rien n’a changé dans l’ordre {order}.", "Nothing has changed in order {order}.",
     "Changez une valeur, puis recommencez.", "Change a value, then do it again."),
    ("order_too_few_free", "stop", "Dans l’ordre {order}, {count} pièces au plus peuvent partir.",
     "At most {count} pieces of order {order} can be taken out.",
     "Seules les pièces non commencées peuvent partir.", "Only pieces that have not begun can go."),
    ("close_not_begun", "stop", "L’ordre {order} a {count} appareils non commencés.",
     "Order {order} has {count} units that have not begun.",
     "Faites-les, ou diminuez la quantité.", "Make them, or lower the quantity."),
    ("close_in_work", "stop", "L’ordre {order} a {count} appareils en cours.",
     "Order {order} has {count} units in work.",
     "Finissez-les ou mettez-les au rebut.", "Finish or scrap them."),
    ("close_to_count", "stop", "Dans l’ordre {order}, {count} pièces ne sont pas comptées.",
     "In order {order}, {count} pieces are not counted.",
     "Comptez-les, ou diminuez la quantité.", "Count them, or lower the quantity."),
    ("close_nc_open", "stop", "La non-conformité {nc} est ouverte.", "Nonconformity {nc} is open.",
     "La qualité doit la traiter.", "Quality has to settle it."),
    ("close_missing", "stop", "Il manque {count} pièces sur {quantity} dans l’ordre {order}.",
     "Of {quantity} pieces, {count} are missing in order {order}.",
     "La qualité peut fermer quand même, avec une raison écrite.",
     "Quality may close it all the same, with a written reason."),
    ("unknown_product", "stop", "Le produit {product} est inconnu.", "Product {product} is unknown.",
     "Produits : {known}.", "Products: {known}."),
    ("no_plan", "stop", "Aucun plan n’est publié.", "No plan is published.",
     "Lancez : mes plan publish", "Run: mes plan publish"),
    ("plan_current", "wait", "Ce plan est déjà publié.", "This plan is already published.", "", ""),
    ("unknown_nc", "stop", "La fiche {nc} est inconnue.", "Nonconformity {nc} is unknown.",
     "Vérifiez le numéro.", "Check the number."),
    ("nc_state", "stop", "La fiche {nc} est déjà décidée.", "Nonconformity {nc} is already decided.", "", ""),
    ("unknown_step", "stop", "L’étape {step} n’est pas sur la route.", "Step {step} is not on the route.",
     "Étapes : {known}.", "Steps: {known}."),
    ("unknown_event", "stop", "Cet évènement n’est pas en quarantaine.", "This event is not in quarantine.", "", ""),
    ("unknown_station", "stop", "Le poste {station} est inconnu.", "Station {station} is unknown.",
     "Postes : {known}.", "Stations: {known}."),
    ("unknown_person", "stop", "La personne {person} est inconnue.", "Person {person} is unknown.",
     "Vérifiez le numéro.", "Check the number."),
    ("badge_taken", "stop", "Le badge {badge} existe déjà.", "Badge {badge} exists already.",
     "Imprimez-en un autre.", "Print another one."),
    ("unknown_qualification", "stop", "La qualification {qualification} est inconnue.",
     "Qualification {qualification} is unknown.", "Qualifications : {known}.", "Qualifications: {known}."),
    ("qualification_not_held", "stop", "{person} n’a pas la qualification {qualification}.",
     "{person} does not hold the qualification {qualification}.", "", ""),
    ("needs_date", "stop", "Il manque la date de fin de {qualification}.",
     "The last day of {qualification} is missing.", "Donnez-la : AAAA-MM-JJ.", "Give it: YYYY-MM-DD."),
    ("unknown_account", "stop", "Le compte {login} est inconnu.", "Account {login} is unknown.",
     "Voyez la liste : mes user list.", "See the list: mes user list."),
    ("name_form", "stop", "Ce nom ne peut pas être gardé.", "This name cannot be kept.",
     "Donnez le nom de la personne : 120 caractères au plus.", "Give the person’s name: at most 120 characters."),
    ("login_form", "stop", "Cet identifiant n’est pas possible.", "This user name is not possible.",
     "Prenez des lettres sans accent, des chiffres, points et tirets.", "Use letters, digits, dots and dashes."),
    ("login_taken", "stop", "L’identifiant {login} est déjà pris.", "User name {login} is taken.",
     "Choisissez un autre identifiant.", "Choose another one."),
    ("no_role", "stop", "Un compte a au moins un rôle.", "An account has at least one role.",
     "Rôles : {known}.", "Roles: {known}."),
    ("last_admin", "stop", "C’est le dernier administrateur.", "This is the last administrator.",
     "Nommez d’abord un autre administrateur.", "Make another administrator first."),
    ("password_short", "stop", "Ce mot de passe est trop court.", "This password is too short.",
     "Prenez au moins 10 caractères.", "Use at least 10 characters."),
    ("password_long", "stop", "Ce mot de passe est trop long.", "This password is too long.",
     "Prenez au plus 128 caractères.", "Use at most 128 characters."),
    ("password_easy", "stop", "Ce mot de passe est trop facile.", "This password is too easy.",
     "N’y mettez pas votre identifiant. Variez les signes.", "Leave your user name out of it. Vary the characters."),
    ("password_wrong", "stop", "Ce n’est pas votre mot de passe.", "This is not your password.", "", ""),
    ("setup_code_wrong", "stop", "Ce code n’est pas le bon.", "This code is not right.",
     "Le serveur affiche le code à son démarrage.", "The server prints the code at its start."),
    ("instrument_exists", "stop", "L’instrument {instrument} est déjà au registre.",
     "Instrument {instrument} is in the register already.", "Choisissez un autre numéro.", "Choose another number."),
    ("unknown_instrument", "stop", "L’instrument {instrument} n’est pas au registre.",
     "Instrument {instrument} is not in the register.", "Vérifiez le numéro.", "Check the number."),
    ("instrument_form", "stop", "Ce numéro d’instrument n’est pas possible.", "This instrument number is not possible.",
     "Prenez des lettres sans accent, des chiffres, points et tirets.", "Use letters, digits, dots and dashes."),
    ("instrument_out", "stop", "L’instrument {instrument} est déjà retiré.",
     "Instrument {instrument} is out of use already.", "", ""),
    ("instrument_in", "stop", "L’instrument {instrument} est déjà en service.",
     "Instrument {instrument} is in use already.", "", ""),
    ("calibration_future", "stop", "Cet étalonnage est daté de demain ou plus tard.",
     "This calibration has a date after today.",
     "Donnez le jour où il a été fait.", "Give the day on which it was done."),
    ("calibration_due", "stop", "L’échéance doit venir après l’étalonnage.",
     "The due date must come after the calibration.", "Corrigez l’échéance.", "Correct the due date."),
    ("certificate_form", "stop", "Ce fichier n’est ni un PDF, ni une image PNG ou JPEG entière.",
     "This file is neither a PDF nor a whole PNG or JPEG picture.",
     "Choisissez le certificat reçu du laboratoire.", "Choose the certificate that the laboratory has sent."),
    ("certificate_large", "stop", "Ce fichier est trop grand.", "This file is too large.",
     "Un certificat a 10 Mio au plus.", "A certificate has 10 MiB at most."),
    ("serial_taken", "stop", "Le numéro {serial} existe déjà.", "Serial {serial} exists already.",
     "Changez le modèle de numéro dans le plan.", "Change the serial pattern in the plan."),
)
# fmt: on


class _Arguments(dict[str, Any]):
    """A missing argument shows as a question mark: a sentence with a hole beats no sentence."""

    def __missing__(self, key: str) -> str:
        return "?"


def sentence(code: str, args: Mapping[str, Any], language: str) -> tuple[str, str]:
    """What to say for a reason, and what to do next.

    Args:
        code: a key of `REASONS`; an unknown one (from a newer server) is shown as it is.
        args: values of the sentence's `{names}`; a mapping with the keys `fr` and `en` is a translated text.
        language: `fr` or `en`.

    Returns:
        The sentence and the action; the second may be empty.
    """
    reason = REASONS.get(code)
    if reason is None:
        return code, ""
    said = _Arguments(
        {k: (v.get(language) or v.get("fr", "?")) if isinstance(v, Mapping) else v for k, v in args.items()}
    )
    if language == "en":
        return reason.en.format_map(said), reason.do_en.format_map(said)
    return reason.fr.format_map(said), reason.do_fr.format_map(said)


def tone(code: str) -> Tone:
    """The colour and shape that go with a reason; an unknown one stops."""
    reason = REASONS.get(code)
    return reason.tone if reason else "stop"
