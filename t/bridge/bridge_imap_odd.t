#!/usr/bin/perl

# A response of an IMAP server that is not understood, a message that the
# server can't give, and a mailbox that can't be opened cost only themselves.
# The session goes on, the device hears of the message, and the log says why
# its content is missing.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::FakeImap;
use Pimap::ImapSession;

my $t = Pimap->new();
my $fake = Pimap::FakeImap->new(t => $t);

my $date = 'INTERNALDATE "24-Nov-2036 12:00:00 +0000"';
my $list = 'NIL NIL NIL NIL NIL NIL';
my $whole = "ENVELOPE (NIL \"good\" $list NIL NIL)";

sub message {
    return "* $_[0] FETCH (UID $_[0] FLAGS () $date RFC822.SIZE 9 $_[1])\r\n";
}

# What the server says of message 3, and the event of it.

my @messages = (
    ['an envelope of 8 fields', message(3, "ENVELOPE (NIL \"s\" $list)"),
        'MessageNew 3 s'],
    ['no envelope', message(3, 'ENVELOPE NIL'), 'MessageNew 3 -'],
    ['an empty envelope', message(3, 'ENVELOPE ()'), 'MessageNew 3 -'],
    ['addresses of five members', message(3, 'ENVELOPE (NIL "s" (("a" NIL "b"'
        . ' "c" "d")) "" () NIL NIL NIL NIL NIL)'), 'MessageNew 3 s'],
    ['two spaces', message(3, "ENVELOPE (NIL  \"s\" $list  NIL NIL)"),
        'MessageNew 3 s'],
    ['quotes that are not escaped',
        message(3, "ENVELOPE (NIL \"a \"b\" c\" $list NIL NIL)"),
        'MessageNew 3 -', 'message 3, UID 3'],
    ['a line break in a string',
        message(3, "ENVELOPE (NIL \"a\r\nb\" $list NIL NIL)"),
        'MessageNew 3 -', 'message 3, UID 3'],
    ['a parenthesis too many', message(3, "$whole)"), 'MessageNew 3 good'],
    ['odd flags', "* 3 FETCH (UID 3 FLAGS ( [a  \"b\" c(d ) $date $whole)\r\n",
        'MessageNew 3 good'],
    ['the UID behind the damage', "* 3 FETCH (FLAGS () $date ENVELOPE ((\"x)"
        . " UID 3)\r\n", 'MessageNew 3 -', 'message 3, UID 3'],
    ['a text that is larger than was asked for', "* 3 FETCH (UID 3 FLAGS () "
        . "$date $whole BODY[TEXT]<0> {1500000}\r\nFILL(1500000))\r\n",
        'MessageNew 3 good'],
    ['an empty line', "\r\n" . message(3, $whole), 'MessageNew 3 good',
        'a response'],
    ['an unexpected "+"', "+ what\r\n" . message(3, $whole),
        'MessageNew 3 good', 'unexpected "+"'],
    ['endless nesting', message(3, 'X ' . '(' x 500), 'MessageNew 3 -',
        'nested too deep'],
    ['half a line', "b\" NIL) OK\r\n" . message(3, $whole),
        'MessageNew 3 good', 'a response'],
    ['NO', '', 'MessageNew 3 -', 'refuses FETCH: NO no such thing', 'NO'],
    ['BAD', '', 'MessageNew 3 -', 'refuses FETCH: BAD no such thing', 'BAD'],
    ['OK without data', '', 'MessageNew 3 -'],
);

$t->plan(4 * @messages + 17);
$fake->start();

sub idles { (['read', 'IDLE'], ['say', "+ x\r\n$_[0]"], ['read', 'DONE'],
    ['say', "TAG OK idle\r\n"]) }
sub logs { map { $_->{text} } grep { $_->{what} eq 'log' } $_[0]->all() }

sub told {
    my ($event) = @_;

    return $event ? join(' ', $event->{event}, $event->{uid}
        // @{ $event->{uids} }, $event->{subject} // '-') : 'nothing';
}

for my $case (@messages) {
    my ($name, $text, $event, $log, $answer) = @$case;
    my $again = $text !~ /FETCH/;

    $fake->script(Pimap::FakeImap->until_list('IDLE'), idles("* 3 EXISTS\r\n"),
        ['read', 'UID FETCH 3:\* .*ENVELOPE'],
        ['say', $text . 'TAG ' . ($answer // 'OK') . " no such thing\r\n"],
        $again ? (['read', 'UID FETCH 3:\* \(UID FLAGS INTERNALDATE\)'],
            ['say', message(3, '') . "TAG OK\r\n"]) : (),
        idles("* 4 EXISTS\r\n"), ['read', 'UID FETCH 4:\* .*ENVELOPE'],
        ['say', message(4, $whole) . "TAG OK\r\n"], ['wait']);

    my $s = Pimap::ImapSession->new(t => $t, port => $fake->port())->start();

    is(told($s->event()), $event, "$name: the device hears of the message");
    is(told($s->event()), 'MessageNew 4 good', '    and of the next one');
    is(!!(grep { /not understood|refuses/ } logs($s)), !!$log,
        '    the log has a line if something is missing');
    like(join("\n", logs($s)), $log ? qr/mailbox "INBOX".*\Q$log\E/ : qr/^/,
        '    with mailbox, message and reason');
    $s->stop();
}

# A LIST of which a line is not understood proves no deletion.

my $status = '(MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6 UNSEEN 0)';
my @login = Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS');
my @inbox = (['read', 'EXAMINE'], ['say', "* 0 EXISTS\r\n"
    . "* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 1] x\r\nTAG OK in\r\n"]);

my @boxes = ('* LIST () "/" My Box', '* LIST () "/" "R&D"',
    '* LIST () "\\" Odd');

sub lists {
    return (['read', 'LIST'], ['say', "* LIST () \"/\" INBOX\r\n"
        . "* STATUS INBOX $status\r\n" . join('', map { "$_\r\n" } @_)
        . "TAG OK\r\n"]);
}

$fake->script(@login, lists(@boxes, '* LIST () "/" Gone',
    "* STATUS Gone $status",
    '* STATUS Odd (MESSAGES -1 UIDNEXT NIL UIDVALIDITY 14066374840000)'),
    @inbox, map({ (['read', 'EXAMINE'], ['say', "* 0 EXISTS\r\n* OK "
        . "[UIDVALIDITY 6] x\r\n* OK [UIDNEXT 1] x\r\nTAG OK\r\n"]) } 1 .. 4),
    ['read', 'EXAMINE'], $inbox[1], idles(''),
    lists('* LIST (', @boxes), idles(''),
    lists(@boxes), idles(''), lists(@boxes, '* LIST () "/" Gone'), idles(''),
    map({ (lists(@boxes, '* LIST () "/" Last', "* STATUS Last $status"),
    idles('')) } 1, 2), ['wait']);
my $s = Pimap::ImapSession->new(t => $t, port => $fake->port(),
    options => { round => 700 })->start();
is($s->wait_ready(), 'IDLE', 'names that are not quoted or encoded: watching');
is(join(',', sort(keys(%{ $s->{states} }))), ',Gone,INBOX,My Box,Odd,R&D',
    '    all mailboxes are known');
$t->wait_for(sub { $s->line(sub { 0 }, 0.1);
    grep { $_->{mailbox} eq 'Last' } $s->published() }, 'Last');
is(join(' ', map { "$_->{event} $_->{mailbox}" } $s->published()),
    'MailboxDelete Gone MailboxCreate Last',
    'a mailbox is missing in two rounds: it is deleted');
is(scalar(grep { /a response .* is not understood/ } logs($s)), 1,
    '    not by one round, nor by one that was not understood');
$s->stop();

# A mailbox that can't be opened

$fake->script(@login, lists(), ['read', 'EXAMINE'],
    ['say', "TAG NO EXAMINE Unsafe Login\r\n"], idles(''), @inbox,
    ['read', 'IDLE'], ['say', "+ x\r\n"], ['wait']);
$s = Pimap::ImapSession->new(t => $t, port => $fake->port())->start();
ok($t->wait_for(sub { $s->line(sub { 0 }, 0.1);
    grep { /Unsafe/ } logs($s) }), 'INBOX is refused: the log says why');
is(scalar(grep { $_->{what} eq 'ready' } $s->all()), 0, '    not watching');
is($s->wait_ready(), 'IDLE', 'it is opened soon: watching');
$s->stop();

# An option of SELECT that the server does not understand

$fake->script(Pimap::FakeImap->until_login(
    'IDLE LIST-EXTENDED LIST-STATUS CONDSTORE'), lists(),
    ['read', 'EXAMINE INBOX \(CONDSTORE\)|EXAMINE "INBOX" \(CONDSTORE\)'],
    ['say', "TAG BAD Unrecognised option condstore on Examine\r\n"],
    ['read', 'EXAMINE "?INBOX"?\r'], $inbox[1], ['read', 'IDLE'],
    ['say', "+ x\r\n"], ['wait']);
$s = Pimap::ImapSession->new(t => $t, port => $fake->port())->start();
is($s->wait_ready(), 'IDLE', 'BAD to an option of EXAMINE: without it');
like(join("\n", logs($s)), qr/refuses SELECT: BAD Unrecognised option/,
    '    the log says so');
$s->stop();

# Numbers that contradict each other are a reason to look.

my $all = join('', map { message($_, '') } 1, 2);

for my $case (['fewer messages', "* 1 EXISTS\r\n"],
    ['EXPUNGE of an unknown message', "* 9 EXPUNGE\r\n"],
    ['VANISHED of too many messages', "* VANISHED 1:4294967295\r\n"],
    ['VANISHED of an unknown message', "* VANISHED 77\r\n"])
{
    $fake->script(Pimap::FakeImap->until_list('IDLE'), idles($case->[1]),
        ['read', 'EXAMINE'], ['say', "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
            . "* OK [UIDNEXT 3] x\r\nTAG OK\r\n"],
        ['read', 'UID FETCH 1:\*'], ['say', '* 1 FETCH (UID 2 FLAGS ())'
            . "\r\nTAG OK\r\n"], ['wait']);
    $s = Pimap::ImapSession->new(t => $t, port => $fake->port())->start();

    my $event = $s->event() // {};

    is("$event->{event} @{ $event->{uids} // [] }", 'MessageExpunge 1',
        "$case->[0]: the bridge looks again");
    is(scalar(grep { $_->{what} eq 'failed' } $s->all()), 0,
        '    the session goes on');
    $s->stop();
}
