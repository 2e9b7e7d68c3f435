package Pimap::Page;

# A page of the documentation in Markdown: its fenced blocks, the commands in
# them, tables, links and targets of links.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);


# All pages: README.md and the like, docs/, integrations/.

sub all {
    my ($class, $root) = @_;

    my @names = map { substr($_, length($root) + 1) }
        grep { -f } glob("$root/*.md $root/docs/*.md $root/*/*.md"
            . " $root/integrations/*/*.md");
    my %seen;

    return map { $class->new($root, $_) } grep { !$seen{$_}++ } @names;
}


sub new {
    my ($class, $root, $name) = @_;

    open(my $fh, '<:encoding(UTF-8)', "$root/$name") or die "$name: $!\n";

    my $self = bless({ name => $name, blocks => [], prose => '',
        section => {}, anchors => {} }, $class);
    my ($block, $section) = (undef, '');

    while (my $line = <$fh>) {
        if ($line =~ /^```(\w*)$/) {
            $block = $block ? undef : { language => $1, line => $.,
                text => '', section => $section };
            push(@{ $self->{blocks} }, $block) if $block;

        } elsif ($block) {
            $block->{text} .= $line;

        } else {
            if ($line =~ /^#+ +(.*)/) {
                $section = $1;
                $self->{anchors}{ _anchor($section) } = 1;
            }

            $self->{section}{$section} .= $line;
            $self->{prose} .= $line if $line !~ /^    /;
        }
    }

    return $self;
}


sub name { $_[0]{name} }


# The anchor that GitHub makes of a heading.

sub _anchor {
    my ($text) = @_;

    $text = lc($text);
    $text =~ s/[^\w\- ]//g;
    $text =~ s/ /-/g;

    return $text;
}


# The blocks of a language, in a section if it is named.

sub blocks {
    my ($self, $language, $section) = @_;

    return grep { $_->{language} eq $language
        && $_->{section} eq ($section // $_->{section}) } @{ $self->{blocks} };
}


# Targets in this repository, as [file or '', anchor or undef]

sub links {
    my ($self) = @_;

    my @targets = $self->{prose} =~ /\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/mg;

    return map { [ split(/#/, $_, 2) ] }
        grep { defined && !/^https?:/ } @targets;
}


# The file that a link of this page names, below the root.

sub target {
    my ($self, $file) = @_;

    return $self->{name} if $file eq '';

    my $path = dirname($self->{name}) . "/$file";

    $path =~ s{^\./}{};
    1 while $path =~ s{[^/]+/\.\./}{};

    return $path;
}


# The rows of the tables of a section, each a list of cells.

sub rows {
    my ($self, $section) = @_;

    return map { [ map { s/^\s+|\s+$//gr } split(/\|/, $_) ] }
        ($self->{section}{$section} // '') =~ /^\|(.*)\|$/mg;
}


# The commands of a "console" block, as { command, output, line }: the output
# is a regular expression, in which an ellipsis matches any text.

sub commands {
    my ($block) = @_;

    my (@commands, $open);

    for my $line (split(/^/, $block->{text})) {
        if ($open) {
            $commands[-1]{command} .= $line;

        } elsif ($line =~ s/^\$ //) {
            push(@commands, { command => $line, output => '',
                section => $block->{section}, line => $block->{line} });

        } else {
            $commands[-1]{output} .= $line;
            next;
        }

        $open = $commands[-1]{command} =~ /[\\|]\n\z/
            || ($commands[-1]{command} =~ tr/'//) % 2;
    }

    for my $command (@commands) {
        my $output = join('.*?', map { quotemeta($_) }
            split(/…/, $command->{output}, -1));

        $command->{output} = qr/\A$output/s;
    }

    return @commands;
}


1;
