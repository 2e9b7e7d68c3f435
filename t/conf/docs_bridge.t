#!/usr/bin/perl

# The documents name all events of the bridge, all verbs of updates with their
# members and results, all details of refusals, and all metrics.  The files of
# the quick start exist.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my $root = $t->root();
my %page = map { $_->name() => $_ } Pimap::Page->all($root);
my $imap = source('imap_update*.c');
my $dav = source('dav_update*.c');
my $text = qr/"((?:\\.|[^"\\])*)"/;

$t->plan(16);

events();
verbs();
members();
results();
details();
metrics();
files();


sub source {
    my ($name) = @_;

    return join('', map { $t->read_file($_) } grep { -e }
                    map { glob("$root/bridge/$_$name") } '', '*/', '*/*/');
}


# All words in backquotes in a column of a section's table with this first
# heading.

sub names {
    my ($page, $section, $column, $heading) = @_;

    my ($in, %names);

    for my $row ($page{"docs/$page.md"}->rows($section)) {
        if ($row->[0] =~ /^\w/) {
            $in = "@$row " =~ /^\Q$heading\E /;
            next;
        }

        $names{$_} = 1 for $in ? ($row->[$column] // '') =~ /`([^`]+)`/g : ();
    }

    return sort(keys(%names));
}


sub unique { my %seen; return [ sort(grep { !$seen{$_}++ } @_) ] }


sub events {
    my $source = source('imap_*.c') . source('dav_*.c');
    my %row = map { $_->[0] => 1 }
        $page{'docs/events.md'}->rows('Names and types');
    my @names = $source =~ /"((?:Message|Mailbox)[A-Z]\w+
        |Flags[A-Z]\w+|(?:Contact|Calendar)Change)"/xg;

    push(@names, map { ("AddressBook$_", "Calendar$_") }
        $source =~ /dav_(?:collection|round)_event\((?:\w+, )+"(\w+)"/g);

    cmp_ok(scalar(@{ unique(@names) }), '>', 15, 'events of the bridge');
    is_deeply([ grep { !$row{$_} } @names ], [], '    are all described');
}


sub verbs {
    my ($imap_table) = $imap =~ /imap_verbs\[\] = \{(.*?)\{ NULL/s;
    my ($dav_table) = $dav =~ /dav_verbs\[\] = \{(.*?)\{ NULL/s;
    my @imap = $imap_table =~ /\{ "([\w.]+)"/g;
    my @dav = $dav_table =~ /\{ "([\w.]+)"/g;

    is_deeply([ names('bridge', 'Updates', 0, 'verb') ], unique(@imap),
        'verbs of mail');
    is_deeply([ names('dav', 'Updates', 0, 'verb') ], unique(@dav),
        'verbs of contacts and calendars');
    is_deeply([ names('protocol', 'Updates', 0, 'verb') ],
        unique(@imap, @dav), 'all verbs, for devices');
}


sub members {
    my @imap = grep { $_ ne 'update' } $imap
        =~ /(?:imap_arg_\w+\(u, |get\(\w[\w>-]*->args,\s+)"(\w+)"/g;
    my @dav = grep { $_ ne 'update' } $dav
        =~ /(?:_job_text\(job,\s+|get\(job->update,\s+)"(\w+)"/g;
    my ($keys) = $imap =~ /imap_keys\[\] = \{(.*?)\{ NULL/s;

    is_deeply([ names('bridge', 'Members of an update', 0, 'member') ],
        unique(@imap, 'mailbox'), 'members of mail');
    is_deeply([ names('bridge', 'Updates', 1, 'verb') ],
        unique(grep { $_ ne 'uidvalidity' } @imap, 'mailbox'),
        '    each with a verb');
    is_deeply([ names('bridge', 'Members of an update', 0, 'in `query`') ],
        unique($keys =~ /\{ "(\w+)"/g), '    of a search');
    is_deeply([ names('dav', 'Updates', 1, 'verb') ], unique(@dav),
        'members of contacts and calendars');
}


sub results {
    my ($envelope) = source('imap_event.c')
        =~ /^(imap_event_envelope.*?^\})/ms;
    my @message = ($imap =~ /(?:set_new|imap_update_fetch_bytes
        |imap_event_text)\((?:[us],\ )?message,\s+"(\w+)"/xg,
        ($imap =~ /message = json_pack\((.*?);/s)[0] =~ /,\s+"(\w+)"/g,
        $envelope =~ /imap_event_text\(to, "(\w+)"/g);

    is_deeply([ names('bridge', 'Results of an update', 0, 'member') ],
        unique($imap =~ /set_new\([\w>-]*->result,\s+"(\w+)"/g),
        'results of mail');
    is_deeply([ names('bridge', 'Results of an update', 0,
        'in `messages`') ], unique(@message), '    of a fetch');

    my %common = map { $_ => 1 } qw(status detail retryAfter);

    is_deeply([ names('dav', 'Updates', 2, 'verb') ],
        unique('conflict', 'left', grep { !$common{$_} }
            $dav =~ /set_new\(job->result,\s+"(\w+)"/g),
        'results of contacts and calendars');
}


# An "unsent" update is tried again: no device sees this result.

sub details {
    my %status = map { $_ => 1 } qw(done refused invalid unknown unsent
        conflict);
    my @imap = grep { defined && !$status{$_} } $imap =~ /return\ $text;
        |[?:]\s+$text;|imap_update_end\(s,\s"\w+",\s+$text/xg;

    my @dav;

    for my $call ($dav =~ /dav_update_job_end\(job,(.*?)\);/sg) {
        my @words = $call =~ /$text/g;

        push(@dav, grep { !$status{$_} && $_ ne '%s' } @words)
            if $call =~ /job->status|"(?:refused|invalid|unknown|conflict)"/;
    }

    # an impossible result: uids are checked before

    my @command = grep { $_ ne 'empty set' }
        source('imap_command.c') =~ /error = $text/g;
    my @bridge = source('bridge_update*.c')
        =~ /refuse\(entry, "\w+",\s+$text/g;
    my ($no_dav) = source('bridge_session_dav.c')
        =~ /: bridge_string\($text\);/;
    my ($excuse) = source('bridge_account.c')
        =~ /^bridge_account_excuse\((.*?)^}/ms;

    push(@bridge, map { s/%s/\x{2026}/gr }
        $excuse =~ /bridge_(?:string|format)\($text/g);

    my %source = map { s/\\"/"/gr => 1 } @imap, @command, @bridge;
    my %dav = map { s/\\"/"/gr =~ s/%\w/\x{2026}/r => 1 } @dav, $no_dav;

    delete($dav{'too many requests'});

    is_deeply([ [ grep { $_ ne 'bad result' } names('bridge',
        'Results of an update', 1, 'status detail') ],
        [ names('dav', 'Updates', 1, 'status detail') ] ],
        [ [ sort(keys(%source)) ], [ sort(keys(%dav)) ] ],
        'details of refusals');
}


sub metrics {
    my (%source, %names);
    my $source = source('bridge_metrics.c');

    $source{$3 ? "$1\{$3}" : $1} = $2
        while $source =~ /^\ +\{\ "(\w+)",\ "(\w+)",\ (?:"(\w+)"|NULL),/gmx;

    $source{"build_info\{$1}"} = 'gauge'
        if $source =~ /pimap_bridge_build_info\{(\w+)=/;

    for my $row ($page{'docs/bridge.md'}->rows('Metrics')) {
        $names{$_} = $row->[1] for $row->[0] =~ /`([^`]+)`/g;
    }

    delete $names{pimap_bridge_};

    is_deeply(\%names, \%source, 'metrics');
}


# systemd-sysusers looks for a name without a slash at its begin elsewhere.

sub files {
    my ($block) = $t->read_file("$root/docs/bridge.md")
        =~ /^```sh\n(install .*?)^```/ms;
    my @files = $block =~ m{\s"?(?:\$PWD/)?((?:bridge|debian)/[\w./-]+)}g;

    is(join(' ', scalar(@files), grep { !-e "$root/$_" } @files), 4,
        'the files of the quick start exist');
    like($block, qr/^systemd-sysusers "?[\/\$]/m,
        '    that of systemd-sysusers with its whole path');
}
